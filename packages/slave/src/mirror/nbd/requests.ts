import { allocation, allocationId, command, commandFlags, dataHeadBytes, magic, mostRequestBytes, nbdError, replyChunk, replyDone, simpleHeadBytes } from './wire';

/** One request of a client; its reply carries the same cookie. */
export interface Request {
  readonly flags: number;
  readonly type: number;
  readonly cookie: bigint;
  readonly offset: number;
  readonly length: number;
}

/** Throws a RangeError for what is no request: the connection cannot be followed any further. */
export function decodeRequest(bytes: Buffer, at: number): Request {
  if (bytes.readUInt32BE(at) !== magic.request) throw new RangeError('These bytes are no NBD request.');
  return {
    flags: bytes.readUInt16BE(at + 4),
    type: bytes.readUInt16BE(at + 6),
    cookie: bytes.readBigUInt64BE(at + 8),
    // Beyond 2^53 it is not exact, and beyond every image all the same.
    offset: bytes.readUInt32BE(at + 16) * 0x1_0000_0000 + bytes.readUInt32BE(at + 20),
    length: bytes.readUInt32BE(at + 24),
  };
}

/** Bytes that follow the head of this request. */
export function payloadBytes({ type, length }: Request): number {
  return type === command.write ? length : 0;
}

/** The error a request is answered with before anything is read for it; 0 when it is in order. */
export function faultOf({ flags, type, offset, length }: Request, sizeBytes: number, tellsAllocation: boolean): number {
  switch (type) {
    case command.read:
    case command.blockStatus: {
      if (type === command.blockStatus && !tellsAllocation) return nbdError.invalid;
      const allowed = type === command.blockStatus ? commandFlags.requestOne : commandFlags.fua;
      const tooLong = type === command.read && length > mostRequestBytes;
      return (flags & ~allowed) !== 0 || length === 0 || tooLong || offset + length > sizeBytes ? nbdError.invalid : 0;
    }
    case command.write:
    case command.trim:
    case command.writeZeroes:
      return nbdError.permission;
    default:
      return nbdError.invalid;
  }
}

/** Bytes before the data of a reply to a read. */
export function readHeadBytes(structured: boolean): number {
  return structured ? dataHeadBytes : simpleHeadBytes;
}

/** Writes the head of a reply that carries all data of a read. */
export function writeReadHead(target: Buffer, structured: boolean, { cookie, offset, length }: Request): void {
  if (!structured) {
    target.writeUInt32BE(magic.simpleReply, 0);
    target.writeUInt32BE(0, 4);
    target.writeBigUInt64BE(cookie, 8);
    return;
  }
  writeStructuredHead(target, replyChunk.offsetData, cookie, 8 + length);
  target.writeBigUInt64BE(BigInt(offset), 20);
}

export function errorReply(structured: boolean, cookie: bigint, error: number): Buffer {
  if (!structured) {
    const reply = Buffer.alloc(simpleHeadBytes);
    reply.writeUInt32BE(magic.simpleReply, 0);
    reply.writeUInt32BE(error, 4);
    reply.writeBigUInt64BE(cookie, 8);
    return reply;
  }
  const reply = Buffer.alloc(structuredHeadBytes + 6);
  writeStructuredHead(reply, replyChunk.error, cookie, 6);
  reply.writeUInt32BE(error, structuredHeadBytes);
  return reply;
}

/** Which ranges from the request's offset on are zeros; covers all of it, or the first range when only one is asked for. */
export function blockStatusReply({ cookie, flags, length }: Request, extents: Iterable<{ readonly length: number; readonly isZero: boolean }>): Buffer {
  const words: number[] = [];
  let covered = 0;
  for (const extent of extents) {
    words.push(Math.min(extent.length, length - covered), extent.isZero ? allocation.holeOfZeros : allocation.data);
    covered += extent.length;
    if (covered >= length || (flags & commandFlags.requestOne) !== 0 || words.length >= mostExtentWords) break;
  }
  const reply = Buffer.alloc(structuredHeadBytes + 4 + 4 * words.length);
  writeStructuredHead(reply, replyChunk.blockStatus, cookie, 4 + 4 * words.length);
  reply.writeUInt32BE(allocationId, structuredHeadBytes);
  words.forEach((word, at) => reply.writeUInt32BE(word, structuredHeadBytes + 4 + 4 * at));
  return reply;
}

const structuredHeadBytes = 20;
/** A client that wants more asks again from where the reply ends. */
const mostExtentWords = 2 * 16 * 1024;

function writeStructuredHead(target: Buffer, type: number, cookie: bigint, payload: number): void {
  target.writeUInt32BE(magic.structuredReply, 0);
  target.writeUInt16BE(replyDone, 4);
  target.writeUInt16BE(type, 6);
  target.writeBigUInt64BE(cookie, 8);
  target.writeUInt32BE(payload, 16);
}
