import type { NbdExport, OpenExport } from './nbd-export';
import { allocationContext, allocationId, handshakeFlags, infoType, magic, mostRequestBytes, option, optionAnswer, transmissionFlags } from './wire';

/** What was agreed on before the first request. */
export interface Agreement {
  readonly export: NbdExport;
  /** Reads are answered by structured replies; else by simple ones. */
  readonly structured: boolean;
  /** The client may ask which ranges are zeros. */
  readonly tellsAllocation: boolean;
}

export interface HandshakeStream {
  /** Rejects when the client went away. */
  take(length: number): Promise<Buffer>;
  write(data: Buffer): void;
}

/** A name is 4,096 bytes at most by the protocol; the longest honest option is a name and some numbers. */
const mostOptionBytes = 16 * 1024;
/** An honest client needs less than ten. */
const mostOptions = 64;

interface Chosen {
  structured: boolean;
  /** The export whose allocation context was set. */
  contextOf: string | null;
}

/**
 * The fixed newstyle handshake, until the client chose an export. Null when it ends without one; rejects when the
 * client went away or does not speak the protocol. Exports are not listed: who may read one knows its name.
 */
export async function shakeHands(stream: HandshakeStream, open: OpenExport): Promise<Agreement | null> {
  const greeting = Buffer.alloc(18);
  greeting.writeBigUInt64BE(magic.init, 0);
  greeting.writeBigUInt64BE(magic.option, 8);
  greeting.writeUInt16BE(handshakeFlags.fixedNewstyle | handshakeFlags.noZeroes, 16);
  stream.write(greeting);
  const flags = (await stream.take(4)).readUInt32BE(0);
  if ((flags & handshakeFlags.fixedNewstyle) === 0 || flags > 3) throw new RangeError(`A client with handshake flags ${flags} is not taken.`);
  const noZeroes = (flags & handshakeFlags.noZeroes) !== 0;
  const chosen: Chosen = { structured: false, contextOf: null };
  for (let count = 0; count < mostOptions; count += 1) {
    const head = await stream.take(16);
    if (head.readBigUInt64BE(0) !== magic.option) throw new RangeError('The client does not speak NBD.');
    const [code, length] = [head.readUInt32BE(8), head.readUInt32BE(12)];
    if (length > mostOptionBytes) throw new RangeError(`An option of ${length} bytes is not taken.`);
    const data = await stream.take(length);
    const answer = (kind: number, payload: Buffer = nothing): void => stream.write(optionReply(code, kind, payload));
    switch (code) {
      case option.exportName: {
        const found = await open(data.toString('utf8'));
        // The protocol has no way to refuse here but to hang up.
        if (found === null) return null;
        stream.write(Buffer.concat([exportFacts(found), Buffer.alloc(noZeroes ? 0 : 124)]));
        return agreement(found, chosen, data.toString('utf8'));
      }
      case option.abort:
        answer(optionAnswer.ack);
        return null;
      case option.info:
      case option.go: {
        const name = nameOf(data);
        const found = name === null ? null : await open(name);
        if (name === null) answer(optionAnswer.invalid);
        else if (found === null) answer(optionAnswer.unknown, Buffer.from('This host has no such image.'));
        else {
          answer(optionAnswer.info, Buffer.concat([number16(infoType.export), exportFacts(found)]));
          answer(optionAnswer.info, blockSizes(found));
          answer(optionAnswer.ack);
          if (code === option.go) return agreement(found, chosen, name);
          found.release();
        }
        break;
      }
      case option.structuredReply:
        if (length > 0) answer(optionAnswer.invalid);
        else {
          chosen.structured = true;
          answer(optionAnswer.ack);
        }
        break;
      case option.listMetaContext:
      case option.setMetaContext:
        metaContext(code, data, chosen, answer);
        break;
      case option.list:
        answer(optionAnswer.policy, Buffer.from('Exports are not listed.'));
        break;
      default:
        answer(optionAnswer.unsupported);
    }
  }
  throw new RangeError(`More than ${mostOptions} options are not taken.`);
}

const nothing = Buffer.alloc(0);

function agreement(found: NbdExport, { structured, contextOf }: Chosen, name: string): Agreement {
  return { export: found, structured, tellsAllocation: structured && contextOf === name };
}

function metaContext(code: number, data: Buffer, chosen: Chosen, answer: (kind: number, payload?: Buffer) => void): void {
  const asked = queriesOf(data);
  const sets = code === option.setMetaContext;
  if (sets) chosen.contextOf = null;
  if (asked === null || !chosen.structured) return answer(optionAnswer.invalid);
  const wanted = asked.queries.includes(allocationContext) || (!sets && (asked.queries.length === 0 || asked.queries.includes('base:')));
  if (wanted) answer(optionAnswer.metaContext, Buffer.concat([number32(sets ? allocationId : 0), Buffer.from(allocationContext)]));
  if (wanted && sets) chosen.contextOf = asked.name;
  answer(optionAnswer.ack);
}

/** Name and number of information requests; whatever is requested, export and block size are told. */
function nameOf(data: Buffer): string | null {
  if (data.length < 6) return null;
  const length = data.readUInt32BE(0);
  if (data.length < 6 + length) return null;
  const requests = data.readUInt16BE(4 + length);
  return data.length === 6 + length + 2 * requests ? data.toString('utf8', 4, 4 + length) : null;
}

function queriesOf(data: Buffer): { readonly name: string; readonly queries: readonly string[] } | null {
  let at = 0;
  const text = (): string | null => {
    if (at + 4 > data.length) return null;
    const end = at + 4 + data.readUInt32BE(at);
    if (end > data.length) return null;
    const read = data.toString('utf8', at + 4, end);
    at = end;
    return read;
  };
  const name = text();
  if (name === null || at + 4 > data.length) return null;
  const count = data.readUInt32BE(at);
  at += 4;
  const queries: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const query = text();
    if (query === null) return null;
    queries.push(query);
  }
  return at === data.length ? { name, queries } : null;
}

function optionReply(code: number, kind: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(20);
  head.writeBigUInt64BE(magic.optionReply, 0);
  head.writeUInt32BE(code, 8);
  head.writeUInt32BE(kind, 12);
  head.writeUInt32BE(payload.length, 16);
  return Buffer.concat([head, payload]);
}

function exportFacts({ sizeBytes }: NbdExport): Buffer {
  const facts = Buffer.alloc(10);
  facts.writeBigUInt64BE(BigInt(sizeBytes), 0);
  facts.writeUInt16BE(transmissionFlags, 8);
  return facts;
}

function blockSizes({ preferredBytes }: NbdExport): Buffer {
  return Buffer.concat([number16(infoType.blockSize), number32(1), number32(preferredBytes), number32(mostRequestBytes)]);
}

function number16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

function number32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
