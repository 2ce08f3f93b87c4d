import { randomBytes } from 'node:crypto';
import type { TcpSocketConnectOpts } from 'node:net';
import { connect, type ConnectionOptions, type SecureContext, type TLSSocket } from 'node:tls';

/** Client to server, RFC 6455 5.2: always masked. The key is zero, which is allowed and costs the client nothing; the server unmasks all the same. */
export function maskedText(text: string): Buffer {
  const length = Buffer.byteLength(text);
  if (length > 0xffff) throw new RangeError(`A text of ${String(length)} bytes: this client sends at most 65,535.`);
  const head = length < 126 ? 6 : 8;
  const frame = Buffer.alloc(head + length);
  frame[0] = 0x81;
  if (length < 126) frame[1] = 0x80 | length;
  else {
    frame[1] = 0x80 | 126;
    frame.writeUInt16BE(length, 2);
  }
  frame.write(text, head, 'utf8');
  return frame;
}

export interface ServerFrame {
  /** 1 text, 8 close, 9 ping. */
  readonly opcode: number;
  readonly payload: Buffer;
}

/** The whole, unfragmented frames at the beginning of `bytes`, and what is left of a further one. */
export function serverFrames(bytes: Buffer): { readonly frames: readonly ServerFrame[]; readonly rest: Buffer } {
  const frames: ServerFrame[] = [];
  let at = 0;
  while (bytes.length - at >= 2) {
    const short = (bytes[at + 1] ?? 0) & 0x7f;
    const head = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (bytes.length - at < head) break;
    const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
    if (bytes.length - at < head + length) break;
    frames.push({ opcode: (bytes[at] ?? 0) & 0x0f, payload: bytes.subarray(at + head, at + head + length) });
    at += head + length;
  }
  return { frames, rest: bytes.subarray(at) };
}

/** The agent's (slave/link/master-link.ts). */
const handshakeMs = 10_000;

export interface LightSocketEvents {
  onOpen(): void;
  onText(text: string): void;
  /** Once, whatever ended it. `status` is the HTTP status of a refused upgrade. */
  onClosed(status: number | null): void;
}

/**
 * A WebSocket over TLS with as little around it as possible, so that thousands fit into one process and the
 * load generator takes less of the machine than what it loads. Full TLS handshake every time, as the agent's.
 */
export class LightSocket {
  private readonly socket: TLSSocket;
  private head: string | null = '';
  private rest: Buffer = Buffer.alloc(0);
  private status: number | null = null;
  private ended = false;
  private readonly onUpgraded: () => void;

  constructor(to: { readonly host: string; readonly port: number; readonly path: string; readonly from: string; readonly secureContext: SecureContext }, private readonly events: LightSocketEvents) {
    // The address to come from is a matter of the TCP connection, which its types leave out.
    const options: ConnectionOptions & Pick<TcpSocketConnectOpts, 'localAddress'> = { host: to.host, port: to.port, localAddress: to.from, secureContext: to.secureContext };
    this.socket = connect(options);
    this.socket.setNoDelay(true);
    this.socket.on('secureConnect', () => {
      const key = randomBytes(16).toString('base64');
      this.socket.write(`GET ${to.path} HTTP/1.1\r\nHost: ${to.host}:${String(to.port)}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`);
    });
    // As the agent's: a connection that the kernel lost before anybody took it must not be waited for.
    const deadline = setTimeout(() => this.socket.destroy(), handshakeMs);
    this.onUpgraded = () => clearTimeout(deadline);
    this.socket.on('data', (bytes: Buffer) => this.receive(bytes));
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => {
      if (this.ended) return;
      this.ended = true;
      clearTimeout(deadline);
      this.events.onClosed(this.status);
    });
  }

  send(frame: Buffer): void {
    this.socket.write(frame);
  }

  /** Bytes that the kernel has not taken yet. */
  get unsentBytes(): number {
    return this.socket.writableLength;
  }

  cut(): void {
    this.socket.destroy();
  }

  private receive(bytes: Buffer): void {
    let body = bytes;
    if (this.head !== null) {
      this.head += bytes.toString('latin1');
      const end = this.head.indexOf('\r\n\r\n');
      if (end < 0) return;
      this.status = Number(/^HTTP\/1\.1 (\d{3})/.exec(this.head)?.[1] ?? 0);
      if (this.status !== 101) return this.cut();
      body = Buffer.from(this.head.slice(end + 4), 'latin1');
      this.head = null;
      this.onUpgraded();
      this.events.onOpen();
    }
    const { frames, rest } = serverFrames(this.rest.length === 0 ? body : Buffer.concat([this.rest, body]));
    this.rest = rest.length === 0 ? empty : Buffer.from(rest);
    for (const { opcode, payload } of frames) {
      if (opcode === 1) this.events.onText(payload.toString('utf8'));
      if (opcode === 8) return this.cut();
    }
  }
}

const empty = Buffer.alloc(0);
