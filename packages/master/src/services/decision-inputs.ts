import type { EpochMs } from '@paravcl/shared/clock';
import { parseJson } from '@paravcl/shared/parse-json';
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { Repositories } from '../repositories/repositories';
import { canonicalJson } from './canonical-json';

/** Fast rather than small: inputs are made while others wait for the calendar, and are rarely read. */
const compress = promisify(gzip);
const expand = promisify(gunzip);
const level = 1;

/**
 * Keeps everything a decision was made of, so that it can be made again and compared: as canonical JSON, gzip'ed,
 * under its SHA-256 (of the JSON), once however many decisions were made of it. Answers the hash, lower-case
 * hexadecimal. Maps and undefined are lost in JSON: give plain values.
 */
export async function keepInputs(repositories: Pick<Repositories, 'decisions'>, inputs: unknown, now: EpochMs): Promise<string> {
  const text = canonicalJson(inputs);
  const hash = createHash('sha256').update(text).digest('hex');
  await repositories.decisions.keepInputs(hash, await compress(text, { level }), now);
  return hash;
}

/** What was kept under this hash; null when that is too long ago. */
export async function keptInputs(repositories: Pick<Repositories, 'decisions'>, hash: string): Promise<Record<string, unknown> | null> {
  const body = await repositories.decisions.inputs(hash);
  return body === null ? null : (parseJson((await expand(body)).toString('utf8')) as Record<string, unknown>);
}
