import { EventEmitter, once } from 'node:events';
import { PassThrough, Writable } from 'node:stream';
import type { Clock } from '@paravcl/shared/clock';
import type { Socket } from 'node:net';
import type { ServerChannel } from 'ssh2';
import { ChannelStream } from './channel-stream';
import { SocketRoom } from './socket-room';

/** The connection of a client: so much of it waits to be sent. */
class ClientSocket extends EventEmitter {
  writableLength = 0;
  destroyed = false;
}

/** A clock that is only set. */
class SetClock implements Clock {
  readonly timers = new Set<() => void>();
  now = (): number => 0;
  monotonicMs = (): number => 0;
  after(_: number, run: () => void): () => void {
    this.timers.add(run);
    return () => void this.timers.delete(run);
  }
}

const open = () => {
  const socket = new ClientSocket();
  const clock = new SetClock();
  // One of ssh2 does not close by itself.
  const channel = new PassThrough({ autoDestroy: false });
  const written: string[] = [];
  const out = new Writable({
    write: (bytes: Buffer, _, done) => {
      written.push(String(bytes));
      done();
    },
  });
  channel.write = out.write.bind(out) as typeof channel.write;
  const stream = new ChannelStream(channel as unknown as ServerChannel, new SocketRoom(socket as unknown as Socket), clock);
  return { socket, clock, channel, written, stream };
};
const settled = () => new Promise((resolve) => setImmediate(resolve));

test('while a client does not take what was written, no more of the guest is taken', async () => {
  const { socket, written, stream } = open();
  socket.writableLength = 1024 * 1024;
  let taken = false;
  stream.write('of the guest', () => (taken = true));
  await settled();
  expect({ taken, written }).toEqual({ taken: false, written: [] });
  socket.writableLength = 0;
  socket.emit('drain');
  await settled();
  expect({ taken, written }).toEqual({ taken: true, written: ['of the guest'] });
  expect(stream.sent).toBe(12);
});

test('whoever waits for a client that has gone goes on', async () => {
  const { socket, stream } = open();
  socket.writableLength = 1024 * 1024;
  const done = new Promise((resolve) => stream.write('of the guest', resolve));
  socket.destroyed = true;
  socket.emit('close');
  await done;
});

test('a client that has said its last word is ended when the guest has been silent for a while', async () => {
  const { clock, channel, stream } = open();
  let ended = false;
  stream.resume().on('end', () => (ended = true));
  const lastWord = once(channel, 'end');
  channel.end();
  await lastWord;
  const [first] = clock.timers;
  expect(first).toBeDefined();
  // What the guest says puts it off.
  stream.write('of the guest');
  await settled();
  expect(clock.timers.size).toBe(1);
  expect(clock.timers.has(first as () => void)).toBe(false);
  expect(ended).toBe(false);
  for (const run of clock.timers) run();
  await settled();
  expect(ended).toBe(true);
});
