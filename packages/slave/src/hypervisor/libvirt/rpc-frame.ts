/**
 * Frames of libvirt's remote protocol (https://libvirt.org/kbase/internals/rpc.html): length with itself, program, version,
 * procedure, type, serial and status as 32 bit big-endian numbers, then the procedure's arguments in XDR (RFC 4506).
 */
export interface RpcFrame {
  readonly program: number;
  readonly version: number;
  readonly procedure: number;
  readonly type: number;
  readonly serial: number;
  readonly status: number;
  readonly body: Buffer;
}

export const remoteProgram = 0x20008086;
export const keepaliveProgram = 0x6b656570;
export const rpcCall = 0;
export const rpcReply = 1;
export const rpcMessage = 2;
export const statusOk = 0;
export const statusError = 1;

const lengthBytes = 4;
const headerBytes = 28;
/** Of libvirt 9.0 itself (VIR_NET_MESSAGE_MAX) it is 32 MiB; a definition, a cookie and their envelope take some ten KiB. */
const longestFrame = 1024 * 1024;

/** Cuts a stream of bytes into frames. Throws on a length that no frame has. */
export class FrameCutter {
  private parts: Buffer[] = [];
  private bytes = 0;
  /** Bytes that there have to be before the next look. */
  private needed = lengthBytes;

  /** The frames that are complete with these bytes, each with its own bytes. */
  cut(more: Buffer): readonly RpcFrame[] {
    this.parts.push(more);
    this.bytes += more.length;
    if (this.bytes < this.needed) return [];
    let rest = Buffer.concat(this.parts);
    const frames: RpcFrame[] = [];
    for (this.needed = lengthBytes; rest.length >= lengthBytes; this.needed = lengthBytes) {
      const length = rest.readUInt32BE(0);
      if (length < headerBytes || length > longestFrame) throw new Error(`A frame of ${length} bytes is none of libvirt's.`);
      this.needed = length;
      if (rest.length < length) break;
      frames.push(readFrame(rest.subarray(0, length)));
      rest = rest.subarray(length);
    }
    [this.parts, this.bytes] = [[rest], rest.length];
    return frames;
  }
}

function readFrame(bytes: Buffer): RpcFrame {
  const at = (index: number): number => bytes.readUInt32BE(index * 4);
  return { program: at(1), version: at(2), procedure: at(3), type: at(4), serial: at(5), status: at(6), body: Buffer.from(bytes.subarray(headerBytes)) };
}

export function writeFrame({ program, version, procedure, type, serial, status, body }: RpcFrame): Buffer {
  const header = Buffer.alloc(headerBytes);
  [headerBytes + body.length, program, version, procedure, type, serial, status].forEach((value, index) => header.writeUInt32BE(value, index * 4));
  return Buffer.concat([header, body]);
}
