import { mostParts } from './manifest-parts';

/**
 * Frames of a chunk connection, the same between mirror and master and between two mirrors. Each is its
 * length (u32, of what follows), its type (u8) and its body; numbers are big-endian.
 *
 * Either side may ask for chunks; `request` numbers are the asker's. A `want` repeated under the same number
 * raises its urgency and changes nothing else.
 */
export type ChunkFrame =
  | { readonly type: 'control'; readonly message: string }
  | ({ readonly type: 'want' } & Want)
  | { readonly type: 'chunk'; readonly request: number; readonly encoding: ChunkEncoding; readonly data: Buffer }
  | { readonly type: 'lack'; readonly request: number; readonly why: LackReason }
  | { readonly type: 'redirect'; readonly request: number; readonly members: readonly number[] }
  | { readonly type: 'cancel'; readonly request: number }
  /** What was asked for is still being looked for: whoever waits knows that somebody is there. */
  | { readonly type: 'alive' };

export interface Want {
  readonly request: number;
  /** Which image: opened on the connection to the master under this number; 0 between mirrors, whose connections are of one image. */
  readonly channel: number;
  readonly index: number;
  /** Somebody waits for it: it goes before what is only fetched ahead. */
  readonly urgent: boolean;
  /** To the master: the asker could not get it elsewhere; send the bytes, or say that there are none. */
  readonly insist: boolean;
  /**
   * Between mirrors: the asker's rank in the tree of this chunk (relay-tree.ts). Who stands before it brings what it lacks; ranks only
   * fall from one to the next, so that nobody waits in a circle. 0: only what is there already, or on its way from the master.
   */
  readonly rank: number;
}

/**
 * In the place of a chunk's index: this part of the encoded manifest itself (manifest-parts.ts), asked for and answered as chunks are.
 * Whoever fetches an image hands its parts on too, so that the master's link does not carry them once for each host.
 */
export function indexOfManifestPart(part: number): number {
  return 0xffffffff - part;
}

/** Null of the index of a chunk. */
export function manifestPartAt(index: number): number | null {
  const part = 0xffffffff - index;
  return part < mostParts ? part : null;
}

/** As kept in the store and as sent: the bytes themselves, or raw deflate of them (RFC 1951). */
export type ChunkEncoding = 'plain' | 'deflate';

/** `absent`: not held and not to be had; `refused`: not for the asker; `failed`: try again or elsewhere. */
export type LackReason = 'absent' | 'refused' | 'failed';

/** Larger than any chunk, part of a manifest or control message. */
export const maxChunkFrameBytes = 5 * 1024 * 1024;

const types = ['control', 'want', 'chunk', 'lack', 'redirect', 'cancel', 'alive'] as const satisfies readonly ChunkFrame['type'][];
/** Of the long ones as much as a frame may have; nobody makes room here for more than the others need. */
const mostBodyBytes: Readonly<Record<ChunkFrame['type'], number>> = { control: maxChunkFrameBytes - 1, want: 64, chunk: maxChunkFrameBytes - 1, lack: 64, redirect: 4 + 2 * 0xffff, cancel: 64, alive: 64 };
const encodings = ['plain', 'deflate'] as const satisfies readonly ChunkEncoding[];
const lackReasons = ['absent', 'refused', 'failed'] as const satisfies readonly LackReason[];
const headBytes = 5;
/** Room that is made for a body as soon as it is announced: more than a usual chunk needs. A longer one gets more as its bytes come. */
const firstRoomBytes = 128 * 1024;

interface Body {
  readonly type: ChunkFrame['type'];
  readonly length: number;
  bytes: Buffer;
  held: number;
}

/** Head and body apart, so that the data of a chunk is not copied. Write them together (cork). */
export function encodeChunkFrame(frame: ChunkFrame): readonly Buffer[] {
  switch (frame.type) {
    case 'control':
      return framed(frame.type, Buffer.from(frame.message, 'utf8'));
    case 'want': {
      const body = Buffer.alloc(13);
      body.writeUInt32BE(frame.request, 0);
      body.writeUInt16BE(frame.channel, 4);
      body.writeUInt32BE(frame.index, 6);
      body.writeUInt8((frame.urgent ? 1 : 0) | (frame.insist ? 2 : 0), 10);
      body.writeUInt16BE(frame.rank, 11);
      return framed(frame.type, body);
    }
    case 'chunk': {
      const body = Buffer.alloc(5);
      body.writeUInt32BE(frame.request, 0);
      body.writeUInt8(encodings.indexOf(frame.encoding), 4);
      return framed(frame.type, body, frame.data);
    }
    case 'lack': {
      const body = Buffer.alloc(5);
      body.writeUInt32BE(frame.request, 0);
      body.writeUInt8(lackReasons.indexOf(frame.why), 4);
      return framed(frame.type, body);
    }
    case 'redirect': {
      const body = Buffer.alloc(4 + 2 * frame.members.length);
      body.writeUInt32BE(frame.request, 0);
      frame.members.forEach((member, at) => body.writeUInt16BE(member, 4 + 2 * at));
      return framed(frame.type, body);
    }
    case 'cancel': {
      const body = Buffer.alloc(4);
      body.writeUInt32BE(frame.request, 0);
      return framed(frame.type, body);
    }
    case 'alive':
      return framed(frame.type, Buffer.alloc(0));
  }
}

function framed(type: ChunkFrame['type'], body: Buffer, data?: Buffer): readonly Buffer[] {
  const head = Buffer.alloc(headBytes);
  head.writeUInt32BE(1 + body.length + (data?.length ?? 0), 0);
  head.writeUInt8(types.indexOf(type), 4);
  return data === undefined ? [Buffer.concat([head, body])] : [Buffer.concat([head, body]), data];
}

/**
 * Cuts a stream of bytes into frames, whatever pieces it arrives in. Throws a RangeError for what no frame
 * can be; the connection is to be ended then. Who sends little can make it keep little: it makes no more room than twice what has come,
 * or `firstRoomBytes`.
 */
export class ChunkFrameReader {
  private readonly head = Buffer.alloc(headBytes);
  private headHeld = 0;
  /** Of the frame whose head is complete. */
  private current: Body | null = null;

  /** The frames that are complete with `piece`, which is copied: it may be written over afterwards. */
  push(piece: Buffer): readonly ChunkFrame[] {
    const frames: ChunkFrame[] = [];
    let at = 0;
    for (;;) {
      if (this.current === null) {
        const copied = piece.copy(this.head, this.headHeld, at);
        at += copied;
        this.headHeld += copied;
        if (this.headHeld < headBytes) return frames;
        this.headHeld = 0;
        this.current = bodyOf(this.head);
      }
      const { current } = this;
      const copied = piece.copy(current.bytes, current.held, at);
      at += copied;
      current.held += copied;
      if (current.held < current.bytes.length) return frames;
      if (current.held < current.length) {
        current.bytes = grown(current);
        continue;
      }
      this.current = null;
      frames.push(decodeBody(current.type, current.bytes));
    }
  }
}

function bodyOf(head: Buffer): Body {
  const length = head.readUInt32BE(0);
  const type = types[head.readUInt8(4)];
  if (type === undefined) throw new RangeError(`Frame type ${head.readUInt8(4)} is unknown.`);
  if (length < 1 || length > 1 + mostBodyBytes[type]) throw new RangeError(`A ${type} frame of ${length} bytes is not taken.`);
  return { type, length: length - 1, bytes: Buffer.allocUnsafe(Math.min(length - 1, firstRoomBytes)), held: 0 };
}

function grown({ bytes, length }: Body): Buffer {
  const larger = Buffer.allocUnsafe(Math.min(length, 2 * bytes.length));
  bytes.copy(larger);
  return larger;
}

function decodeBody(type: ChunkFrame['type'], body: Buffer): ChunkFrame {
  const least = { control: 2, want: 13, chunk: 5, lack: 5, redirect: 4, cancel: 4, alive: 0 }[type];
  if (body.length < least) throw new RangeError(`A ${type} frame of ${body.length} bytes is too short.`);
  switch (type) {
    case 'control':
      return { type, message: body.toString('utf8') };
    case 'want': {
      const flags = body.readUInt8(10);
      return { type, request: body.readUInt32BE(0), channel: body.readUInt16BE(4), index: body.readUInt32BE(6), urgent: (flags & 1) !== 0, insist: (flags & 2) !== 0, rank: body.readUInt16BE(11) };
    }
    case 'chunk': {
      const encoding = encodings[body.readUInt8(4)];
      if (encoding === undefined) throw new RangeError(`Chunk encoding ${body.readUInt8(4)} is unknown.`);
      return { type, request: body.readUInt32BE(0), encoding, data: body.subarray(5) };
    }
    case 'lack': {
      const why = lackReasons[body.readUInt8(4)];
      if (why === undefined) throw new RangeError(`Reason ${body.readUInt8(4)} of a lack is unknown.`);
      return { type, request: body.readUInt32BE(0), why };
    }
    case 'redirect': {
      const members = Array.from({ length: (body.length - 4) >> 1 }, (_, at) => body.readUInt16BE(4 + 2 * at));
      return { type, request: body.readUInt32BE(0), members };
    }
    case 'cancel':
      return { type, request: body.readUInt32BE(0) };
    case 'alive':
      return { type };
  }
}
