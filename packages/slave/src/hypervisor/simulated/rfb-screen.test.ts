import { duplexPair, type Duplex } from 'node:stream';
import { RfbReader } from './rfb-reader';
import { RfbScreen } from './rfb-screen';

interface Client {
  readonly stream: Duplex;
  readonly reader: RfbReader;
  readonly name: string;
  readonly size: readonly [number, number];
}

async function connected(): Promise<Client> {
  const [stream, guest] = duplexPair();
  void new RfbScreen(guest, 'i-one').serve();
  const reader = new RfbReader(stream);
  expect((await reader.take(12)).toString()).toBe('RFB 003.008\n');
  stream.write('RFB 003.008\n');
  expect([...(await reader.take(2))]).toEqual([1, 1]);
  stream.write(Buffer.from([1]));
  expect((await reader.take(4)).readUInt32BE(0)).toBe(0);
  stream.write(Buffer.from([1]));
  const head = await reader.take(24);
  const name = (await reader.take(head.readUInt32BE(20))).toString();
  return { stream, reader, name, size: [head.readUInt16BE(0), head.readUInt16BE(2)] };
}

function ask({ stream }: Client, incremental: boolean, [x, y, width, height]: readonly number[]): void {
  const request = Buffer.alloc(10);
  request.set([3, incremental ? 1 : 0]);
  [x, y, width, height].forEach((each, index) => request.writeUInt16BE(each ?? 0, 2 + 2 * index));
  stream.write(request);
}

function press({ stream }: Client, key: number): void {
  const event = Buffer.alloc(8);
  event.set([4, 1]);
  event.writeUInt32BE(key, 4);
  stream.write(event);
}

async function update({ reader }: Client, bytesPerPixel = 4): Promise<{ readonly area: readonly number[]; readonly pixels: Buffer }> {
  const head = await reader.take(16);
  expect([head[0], head.readUInt16BE(2), head.readInt32BE(12)]).toEqual([0, 1, 0]);
  const area = [4, 6, 8, 10].map((at) => head.readUInt16BE(at));
  return { area, pixels: await reader.take((area[2] ?? 0) * (area[3] ?? 0) * bytesPerPixel) };
}

test('says that there is no guest, and answers a key with another picture', async () => {
  const client = await connected();
  expect(client.name).toBe('simulated screen of i-one: there is no guest');
  expect(client.size).toEqual([640, 480]);
  ask(client, false, [0, 0, 640, 480]);
  const whole = await update(client);
  expect(whole.area).toEqual([0, 0, 640, 480]);
  ask(client, true, [0, 0, 640, 480]);
  press(client, 0x61);
  const changed = await update(client);
  expect(changed.area).toEqual([0, 0, 16, 16]);
  expect(changed.pixels.equals(whole.pixels.subarray(0, changed.pixels.length))).toBe(false);
});

test('sends pixels in the format that the client set', async () => {
  const client = await connected();
  const format = Buffer.alloc(20);
  format.set([16, 16, 1, 1], 4);
  [31, 63, 31].forEach((each, index) => format.writeUInt16BE(each, 8 + 2 * index));
  format.set([11, 5, 0], 14);
  client.stream.write(format);
  ask(client, false, [100, 100, 2, 1]);
  const { pixels } = await update(client, 2);
  expect(pixels.readUInt16BE(0)).toBe((((100 * 31) >> 8) << 11) | (((100 * 63) >> 8) << 5) | ((64 * 31) >> 8));
});

test('says nothing at once that a stream would not take', async () => {
  const [stream, guest] = duplexPair();
  void new RfbScreen(guest, 'i-one').serve();
  let largest = 0;
  let taken = 0;
  stream.on('data', (part: Buffer) => {
    largest = Math.max(largest, part.length);
    taken += part.length;
  });
  const request = Buffer.from([3, 0, 0, 0, 0, 0, 640 >> 8, 640 & 255, 480 >> 8, 480 & 255]);
  stream.write(Buffer.concat([Buffer.from('RFB 003.008\n'), Buffer.from([1, 1]), request]));
  while (taken < 640 * 480 * 4) await new Promise((resolve) => setImmediate(resolve));
  expect(largest).toBeLessThanOrEqual(64 * 1024);
});

test('hangs up on what is no RFB', async () => {
  const [stream, guest] = duplexPair();
  const served = new RfbScreen(guest, 'i-one').serve();
  stream.write('GET / HTTP/1.1\r\n\r\n');
  await served;
  expect(guest.destroyed).toBe(true);
});
