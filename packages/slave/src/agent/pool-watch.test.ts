import { HandClock } from '../../test/fixtures/hand-clock';
import { PoolWatch } from './pool-watch';

async function watched(...availableMiB: readonly (number | Error)[]): Promise<readonly string[]> {
  const clock = new HandClock();
  const told: string[] = [];
  const left = [...availableMiB];
  const space = (): Promise<{ availableMiB: number }> => {
    const next = left.shift() ?? 1000;
    return next instanceof Error ? Promise.reject(next) : Promise.resolve({ availableMiB: next });
  };
  const watch = new PoolWatch({ clock, reserveMiB: 256, space, onFull: (free) => told.push(`full with ${free}`), onRoom: () => told.push(`room after ${clock.monotonicMs() / 1000} s`) });
  watch.start();
  for (let look = 0; look < availableMiB.length; look += 1) {
    await new Promise(setImmediate);
    if (look < availableMiB.length - 1) await clock.advance(2000);
  }
  watch.stop();
  expect(clock.waiting).toEqual([]);
  return told;
}

it('tells when less than the reserve is free, and two seconds after there is room at the latest', async () => {
  expect(await watched(1000, 256, 255, 10, 500)).toEqual(['full with 255', 'room after 8 s']);
});

it('does not let trouble come and go with each look at a guest that writes at the edge', async () => {
  expect(await watched(255, 256, 250, 270, 287, 288)).toEqual(['full with 255', 'room after 10 s']);
});

it('takes a pool that is not there for no full pool', async () => {
  expect(await watched(new Error('ENOENT'), new Error('ENOENT'))).toEqual([]);
});
