import { forecast } from './forecast';
import { minuteMs } from './local-time';
import { at, booking, room, running, saved, slave, waiting, world } from './small-world.model';

const now = at(9);
const start = (slaves: Parameters<typeof world>[0], ...queue: Parameters<typeof forecast>[1]): number | null | undefined => forecast(world(slaves), queue, now).get(queue.at(-1)?.id ?? '');

describe('the earliest start is', () => {
  test('when somebody’s time is over', () => {
    expect(start([slave('s', { running: [running('r', 8, { endsAt: at(11) })] })], waiting('w', 2))).toBe(at(11));
  });

  test('behind those who are served first', () => {
    expect(start([slave('s', { running: [running('r', 8, { endsAt: at(11) })] })], waiting('first', 8, { runMs: 60 * minuteMs }), waiting('w', 2))).toBe(at(12));
  });

  test('on a host that is fast enough, however soon a slower one has room', () => {
    const ofSpeed = (id: string, speed: number, facts: Parameters<typeof slave>[1] = {}) => slave(id, { capacity: { ...slave(id).capacity, speed }, ...facts });
    const busy = ofSpeed('fast', 1, { running: [running('r', 8, { endsAt: at(11) })] });
    expect(start([ofSpeed('slow', 0.6), busy], waiting('w', 2, { need: room(2, { speed: 0.9 }) }))).toBe(at(11));
    expect(start([ofSpeed('slow', 0.6), busy], waiting('w', 2, { need: room(2, { speed: 0.5 }) }))).toBe(now);
  });

  test('now for one whose disk is there, whatever is free of disk', () => {
    expect(start([slave('s', { poolAvailableMiB: 0 })], saved('w', 2, 's'))).toBe(now);
  });
});

describe('no start is in sight', () => {
  test.each([
    ['more cores', room(9)],
    ['more RAM', room(1, { ramMiB: 8193 })],
    ['more disk', room(1, { diskMiB: 100_001 })],
    ['a faster link', room(1, { bandwidthMbps: 1001 })],
    ['a faster core', room(1, { speed: 1.5 })],
  ])('of one that needs %s than any slave has', (_what, need) => {
    expect(start([slave('s', { capacity: { ...slave('s').capacity, speed: 1 } })], waiting('w', 1, { need }))).toBeNull();
  });

  test('of one for whose disk there is no room until somebody deletes theirs', () => {
    expect(start([slave('s', { running: [running('r', 8, { need: room(8, { diskMiB: 99_000 }), endsAt: at(11) })] })], waiting('w', 1))).toBeNull();
  });

  test('of one that those before it leave no disk', () => {
    expect(start([slave('s')], waiting('first', 1, { need: room(1, { diskMiB: 99_000 }) }), waiting('w', 1))).toBeNull();
  });

  test('of one whose disk would take what is reserved', () => {
    expect(start([slave('s', { bookings: [booking('CL II', 1, at(20), at(21), { need: room(1, { diskMiB: 99_000 }) })] })], waiting('w', 1))).toBeNull();
  });

  test('of one that failed on every slave', () => {
    expect(start([slave('s')], waiting('w', 1, { attempts: [{ slaveId: 's', slaveName: 's', code: 'LaunchFailed', sentence: 'It did not boot.', cleaning: false }] }))).toBeNull();
  });
});
