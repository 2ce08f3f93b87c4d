import type { EpochMs } from '@paravcl/shared/clock';
import { parseJson } from '@paravcl/shared/parse-json';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setImmediate as others, setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createGzip, gunzip, gzip, gzipSync } from 'node:zlib';
import type { DecisionRepository } from '../repositories/decision-repository';
import type { Repositories } from '../repositories/repositories';
import { canonicalPieces } from './canonical-json';

/** Fast rather than small: inputs are made while others wait for the calendar, and are rarely read. */
const deflate = promisify(gzip);
const inflate = promisify(gunzip);
const level = 1;
/** A step is this small as a rule: to set up a window of the usual size, and a thread with it, takes four times as long as all the rest. */
const smallBytes = 65_536;
const small = { level, memLevel: 6, windowBits: 13 } as const;
/** Written in one go, in some 3 ms; then others have their turn. */
const blockChars = 262_144;
/** Of what is made aside. */
const asideChars = 65_536;
const restPerWork = 9;
/** Where the slaves of a world stand: in it, in the list of them (of a step: in a list). One slave is told in one piece, and so is one who waits. */
const wholeLevels = 3;

/** Inputs as they are kept: JSON, and its SHA-256 in lower-case hexadecimal. */
export interface InputsText {
  readonly hash: string;
  /** In blocks: what is large is never in one piece. */
  readonly text: readonly Buffer[];
}

/** Inputs as text. Maps are lost in JSON: give plain values. */
export async function inputsText(inputs: unknown): Promise<InputsText> {
  const sha = createHash('sha256');
  const blocks: Buffer[] = [];
  let block = '';
  const end = (): void => {
    const bytes = Buffer.from(block);
    sha.update(bytes);
    blocks.push(bytes);
    block = '';
  };
  for (const piece of canonicalPieces(inputs, wholeLevels)) {
    block += piece;
    if (block.length < blockChars) continue;
    end();
    await others();
  }
  end();
  return { hash: sha.digest('hex'), text: blocks };
}

/** What is small, in one go and with its fields in the order in which they come: nobody makes the same twice. */
export function smallText(value: object): InputsText {
  const bytes = Buffer.from(JSON.stringify(value));
  return { hash: createHash('sha256').update(bytes).digest('hex'), text: [bytes] };
}

/** Keeps this text, gzip'ed, under its hash. */
export async function keepText(decisions: Pick<DecisionRepository, 'keepInputs'>, { hash, text }: InputsText, now: EpochMs): Promise<void> {
  await decisions.keepInputs(hash, await compressed(text), now);
}

/** Whole inputs as they are kept, made while others work: it rests so many times as long as it works. */
export async function wholeAside(inputs: unknown): Promise<Buffer> {
  const zipped = createGzip({ level });
  const body = buffer(zipped);
  let block = '';
  let since = performance.now();
  for (const piece of canonicalPieces(inputs, wholeLevels)) {
    block += piece;
    if (block.length < asideChars) continue;
    zipped.write(block);
    block = '';
    await pause(restPerWork * (performance.now() - since));
    since = performance.now();
  }
  zipped.end(block);
  return body;
}

/** gzip'ed. */
export async function compressed(text: readonly Buffer[]): Promise<Buffer> {
  const [first = Buffer.of(), ...more] = text;
  if (more.length === 0 && first.length <= smallBytes) return gzipSync(first, small);
  return more.length === 0 ? deflate(first, { level }) : buffer(Readable.from(text).pipe(createGzip({ level })));
}

/**
 * Keeps everything a decision was made of, so that it can be made again and compared: whole, once however many decisions
 * were made of it. Answers the hash. Rounds are kept in a chain (`InputsChain`).
 */
export async function keepInputs({ decisions }: Pick<Repositories, 'decisions'>, inputs: unknown, now: EpochMs): Promise<string> {
  const text = await inputsText(inputs);
  await keepText(decisions, text, now);
  return text.hash;
}

/** What stands under this hash, whole or a step; null when that is too long ago. */
export async function keptBody(decisions: Pick<DecisionRepository, 'inputs'>, hash: string): Promise<Record<string, unknown> | null> {
  const body = await decisions.inputs(hash);
  return body === null ? null : (parseJson((await inflate(body)).toString('utf8')) as Record<string, unknown>);
}
