import { createServer, type Server, type Socket } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NbdClient } from './nbd-client';

const greeting = Buffer.concat([Buffer.from('NBDMAGICIHAVEOPT', 'latin1'), Buffer.from([0, 3])]);

/** A server of one export of counting bytes; answers reads in the opposite order, in small pieces. */
function serve(socket: Socket): void {
  let held = Buffer.alloc(0);
  let isOpen = false;
  const reads: Buffer[] = [];
  socket.write(greeting);
  socket.on('error', () => undefined);
  socket.on('data', (piece) => {
    held = Buffer.concat([held, piece]);
    if (!isOpen) {
      const nameBytes = held.length < 24 ? 0 : held.readUInt32BE(20);
      if (held.length < 26 + nameBytes) return;
      const isKnown = held.subarray(24, 24 + nameBytes).toString('utf8') === 'counting';
      held = held.subarray(26 + nameBytes);
      // Some information first, which the client may ignore; then the end of the list.
      socket.write(Buffer.concat([optionReply(3, Buffer.alloc(12)), isKnown ? optionReply(1, Buffer.alloc(0)) : optionReply(0x80000006, Buffer.from('no such export'))]));
      isOpen = isKnown;
      return;
    }
    for (; held.length >= 28; held = held.subarray(28)) if (held.readUInt16BE(6) === 0) reads.push(Buffer.from(held.subarray(0, 28)));
    if (reads.length < 2) return;
    for (const request of reads.splice(0).reverse()) {
      const offset = Number(request.readBigUInt64BE(16));
      const length = request.readUInt32BE(24);
      const isBad = offset >= 1_000_000;
      const head = Buffer.alloc(16);
      head.writeUInt32BE(0x67446698, 0);
      head.writeUInt32BE(isBad ? 5 : 0, 4);
      request.copy(head, 8, 8, 16);
      const reply = isBad ? head : Buffer.concat([head, Buffer.from(Array.from({ length }, (_, at) => (offset + at) & 255))]);
      for (let at = 0; at < reply.length; at += 11) socket.write(reply.subarray(at, at + 11));
    }
  });
}

function optionReply(type: number, data: Buffer): Buffer {
  const head = Buffer.alloc(20);
  head.writeBigUInt64BE(0x3e889045565a9n, 0);
  head.writeUInt32BE(7, 8);
  head.writeUInt32BE(type, 12);
  head.writeUInt32BE(data.length, 16);
  return Buffer.concat([head, data]);
}

describe('the reader of an NBD export', () => {
  let directory = '';
  let server: Server;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'nbd-client-'));
    server = createServer(serve);
    await new Promise<void>((resolve) => server.listen(join(directory, 's'), resolve));
  });
  afterAll(async () => {
    await new Promise((resolve) => server.close(resolve));
    await rm(directory, { recursive: true, force: true });
  });
  const open = (name = 'counting'): Promise<NbdClient> => NbdClient.open({ path: join(directory, 's') }, name);

  it('matches replies with reads, in whatever order and pieces they come', async () => {
    const client = await open();
    const [first, second] = await Promise.all([client.read(250, 10), client.read(3, 5)]);
    expect([...first]).toEqual([250, 251, 252, 253, 254, 255, 0, 1, 2, 3]);
    expect([...second]).toEqual([3, 4, 5, 6, 7]);
    client.close();
  });

  it('rejects the read that the server answers with an error, and no other', async () => {
    const client = await open();
    const [good, bad] = await Promise.allSettled([client.read(0, 4), client.read(1_000_000, 4)]);
    expect(good.status).toBe('fulfilled');
    expect(bad).toMatchObject({ status: 'rejected', reason: { message: 'The NBD server answered a read with error 5.' } });
    client.close();
  });

  it('says which export there is not', async () => {
    await expect(open('another')).rejects.toThrow('refuses export "another"');
  });

  it('rejects what is under way when the connection ends', async () => {
    const client = await open();
    const reading = client.read(0, 4);
    client.close();
    await expect(reading).rejects.toThrow('ended');
  });
});
