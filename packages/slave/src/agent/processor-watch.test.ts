import pino from 'pino';
import { HandClock, turn } from '../../test/fixtures/hand-clock';
import type { ProcessorTimes } from '../hypervisor/driver';
import { ProcessorWatch } from './processor-watch';

const a = '0190f3a0-0000-7000-8000-0000000000aa';
const foreign = '0190f3a0-0000-7000-8000-0000000000bb';
const secondNs = 1e9;

function watched() {
  const clock = new HandClock();
  const lines: string[] = [];
  const host: { times: ReadonlyMap<string, ProcessorTimes> | Error } = { times: new Map() };
  const watch = new ProcessorWatch({
    clock,
    log: pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) }),
    driver: { processorTimes: () => (host.times instanceof Error ? Promise.reject(host.times) : Promise.resolve(host.times)) },
    isUp: (instanceId) => instanceId === a,
  });
  const ran = (ranNs: number, delayedNs: number, vcpus = 1): void => void (host.times = new Map([[a, { vcpus, ranNs, delayedNs, waitedNs: 0 }], [foreign, { vcpus: 1, ranNs, delayedNs, waitedNs: 0 }]]));
  return { clock, watch, host, ran, lines };
}

test('what each guest of ours did since it was told last is told once, the rest of the host never', async () => {
  const { clock, watch, ran } = watched();
  ran(7 * secondNs, 2 * secondNs);
  watch.start();
  await turn();
  expect(watch.take()).toEqual([]);
  ran(8 * secondNs, 6 * secondNs);
  await clock.advance(5000);
  ran(8.5 * secondNs, 9 * secondNs);
  await clock.advance(5000);
  expect(watch.take()).toEqual([{ instanceId: a, vcpus: 1, overMs: 10_000, ranMs: 1500, delayedMs: 7000, waitedMs: 0 }]);
  expect(watch.take()).toEqual([]);
  watch.stop();
});

test('a guest that was started anew, or has other processors now, begins anew', async () => {
  const { clock, watch, ran } = watched();
  ran(7 * secondNs, 2 * secondNs);
  watch.start();
  await turn();
  ran(secondNs, 3 * secondNs);
  await clock.advance(5000);
  ran(2 * secondNs, 4 * secondNs, 2);
  await clock.advance(5000);
  expect(watch.take()).toEqual([]);
  watch.stop();
});

test('of what could not be told for long only the newest is', async () => {
  const { clock, watch, ran } = watched();
  ran(0, 0);
  watch.start();
  await turn();
  for (let second = 1; second <= 5; second++) {
    ran(second * secondNs, 0);
    await clock.advance(5000);
  }
  expect(watch.take()).toEqual([{ instanceId: a, vcpus: 1, overMs: 5000, ranMs: 1000, delayedMs: 0, waitedMs: 0 }]);
  watch.stop();
});

test('a hypervisor that does not say is written down once, and asked again', async () => {
  const { clock, watch, host, ran, lines } = watched();
  host.times = new Error('no');
  watch.start();
  await turn();
  await clock.advance(5000);
  expect(lines).toHaveLength(1);
  ran(0, 0);
  await clock.advance(5000);
  ran(secondNs, secondNs);
  await clock.advance(5000);
  expect(watch.take()).toMatchObject([{ overMs: 5000, ranMs: 1000, delayedMs: 1000 }]);
  watch.stop();
});
