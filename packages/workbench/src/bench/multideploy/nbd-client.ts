import { connect, type NetConnectOpts, type Socket } from 'node:net';

/**
 * A reader of one NBD export (https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md): fixed newstyle, simple
 * replies, any number of reads under way.
 */
const optionMagic = Buffer.from('IHAVEOPT', 'latin1');
const greetingMagic = Buffer.from('NBDMAGIC', 'latin1');
const optionReplyMagic = 0x3e889045565a9n;
const requestMagic = 0x25609513;
const replyMagic = 0x67446698;
const optionGo = 7;
const replyAck = 1;
const isError = 0x8000_0000;
const commandRead = 0;
const commandDisconnect = 2;
const replyHeadBytes = 16;

const received = Buffer.allocUnsafe(256 * 1024);

interface Pending {
  readonly bytes: Buffer;
  filled: number;
  readonly resolve: (bytes: Buffer) => void;
  readonly reject: (error: Error) => void;
}

export class NbdClient {
  private readonly pending = new Map<bigint, Pending>();
  private nextHandle = 1n;
  private current: Pending | null = null;
  private head = Buffer.alloc(0);
  private fault: Error | null = null;

  private constructor(private readonly socket: Socket) {
    socket.on('data', (piece) => this.receive(piece));
  }

  /** Throws when the server has no such export. */
  static async open(address: NetConnectOpts, exportName: string): Promise<NbdClient> {
    // Whoever takes the bytes copies them: one buffer will do.
    const callback = (bytes: number, buffer: Uint8Array): boolean => {
      socket.emit('data', buffer.subarray(0, bytes));
      return true;
    };
    const socket: Socket = connect({ ...address, onread: { buffer: received, callback } });
    socket.setNoDelay(true);
    await shakeHands(socket, exportName).catch((error: unknown) => {
      socket.destroy();
      throw error;
    });
    const client = new NbdClient(socket);
    const end = (why: string): void => client.end(new Error(`The NBD connection of ${exportName} ended: ${why}.`));
    socket.on('error', (error) => end(error.message));
    socket.on('close', () => end('closed'));
    return client;
  }

  /** Rejects when the server answers with an error or goes away. */
  read(offset: number, length: number): Promise<Buffer> {
    if (this.fault !== null) return Promise.reject(this.fault);
    const handle = this.nextHandle++;
    const request = Buffer.alloc(28);
    request.writeUInt32BE(requestMagic, 0);
    request.writeUInt16BE(commandRead, 6);
    request.writeBigUInt64BE(handle, 8);
    request.writeBigUInt64BE(BigInt(offset), 16);
    request.writeUInt32BE(length, 24);
    return new Promise((resolve, reject) => {
      this.pending.set(handle, { bytes: Buffer.allocUnsafe(length), filled: 0, resolve, reject });
      this.socket.write(request);
    });
  }

  close(): void {
    this.fault ??= new Error('The NBD connection was closed.');
    const request = Buffer.alloc(28);
    request.writeUInt32BE(requestMagic, 0);
    request.writeUInt16BE(commandDisconnect, 6);
    this.socket.end(request);
  }

  private receive(piece: Buffer): void {
    let rest = piece;
    while (rest.length > 0) {
      if (this.current === null) {
        const missing = replyHeadBytes - this.head.length;
        this.head = Buffer.concat([this.head, rest.subarray(0, missing)]);
        rest = rest.subarray(missing);
        if (this.head.length < replyHeadBytes) return;
        this.begin();
        continue;
      }
      const { current } = this;
      const part = rest.subarray(0, current.bytes.length - current.filled);
      part.copy(current.bytes, current.filled);
      current.filled += part.length;
      rest = rest.subarray(part.length);
      if (current.filled === current.bytes.length) {
        this.current = null;
        current.resolve(current.bytes);
      }
    }
  }

  /** A whole head is there. */
  private begin(): void {
    const { head } = this;
    this.head = Buffer.alloc(0);
    const handle = head.readBigUInt64BE(8);
    const pending = this.pending.get(handle);
    if (head.readUInt32BE(0) !== replyMagic || pending === undefined) {
      this.end(new Error('The NBD server sent no reply to any request.'));
      this.socket.destroy();
      return;
    }
    this.pending.delete(handle);
    const error = head.readUInt32BE(4);
    if (error === 0) this.current = pending;
    else pending.reject(new Error(`The NBD server answered a read with error ${String(error)}.`));
  }

  private end(error: Error): void {
    this.fault ??= error;
    this.current?.reject(error);
    for (const { reject } of this.pending.values()) reject(error);
    this.pending.clear();
  }
}

async function shakeHands(socket: Socket, exportName: string): Promise<void> {
  const hello = new Handshake(socket);
  const greeting = await hello.take(18);
  if (!greeting.subarray(0, 8).equals(greetingMagic) || !greeting.subarray(8, 16).equals(optionMagic)) throw new Error('There is no NBD server with the fixed newstyle handshake.');
  const name = Buffer.from(exportName, 'utf8');
  const data = Buffer.alloc(4 + name.length + 2);
  data.writeUInt32BE(name.length, 0);
  name.copy(data, 4);
  const option = Buffer.alloc(8);
  option.writeUInt32BE(optionGo, 0);
  option.writeUInt32BE(data.length, 4);
  const flags = Buffer.from([0, 0, 0, 3]);
  socket.write(Buffer.concat([flags, optionMagic, option, data]));
  for (;;) {
    const reply = await hello.take(20);
    const type = reply.readUInt32BE(12);
    const said = await hello.take(reply.readUInt32BE(16));
    if (reply.readBigUInt64BE(0) !== optionReplyMagic) throw new Error('The NBD server answered the handshake with something else.');
    if (type >= isError) throw new Error(`The NBD server refuses export "${exportName}" (error ${String(type - isError)}): ${said.toString('utf8')}`);
    if (type === replyAck) break;
  }
  hello.release();
}

/** Takes the first bytes of a connection in portions of known length. */
class Handshake {
  private held = Buffer.alloc(0);
  private waiting: { readonly length: number; readonly resolve: (bytes: Buffer) => void; readonly reject: (error: Error) => void } | null = null;
  private readonly onData = (piece: Buffer): void => {
    this.held = Buffer.concat([this.held, piece]);
    this.serve();
  };
  private readonly onError = (error: Error): void => this.waiting?.reject(error);
  private readonly onClose = (): void => this.waiting?.reject(new Error('The NBD server closed the connection in the handshake.'));

  constructor(private readonly socket: Socket) {
    socket.on('data', this.onData).on('error', this.onError).on('close', this.onClose);
  }

  take(length: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.waiting = { length, resolve, reject };
      this.serve();
    });
  }

  release(): void {
    this.socket.off('data', this.onData).off('error', this.onError).off('close', this.onClose);
  }

  private serve(): void {
    if (this.waiting === null || this.held.length < this.waiting.length) return;
    const { length, resolve } = this.waiting;
    this.waiting = null;
    const bytes = this.held.subarray(0, length);
    this.held = this.held.subarray(length);
    resolve(bytes);
  }
}
