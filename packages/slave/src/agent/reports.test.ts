import { systemClock } from '@paravcl/shared/clock';
import type { Describe } from '@paravcl/shared/domain/slave';
import { pino } from 'pino';
import { Observations } from './observations';
import { Reports } from './reports';

const description: Describe = {
  hostname: 'lab-pc-07', cores: 4, threads: 8, relativeSpeed: 1, cpuModel: 'model', cpuFlags: [], ramTotalMiB: 8192, ramAvailableMiB: 4096, poolTotalMiB: 100_000, poolAvailableMiB: 50_000,
  hypervisor: { kind: 'simulated', why: 'test', usable: true, libvirt: null, qemu: null, machine: null, cpu: null }, interfaces: [], load1: 0, clockOffsetMs: null,
};

test('what changed between a hello and its connection is told when that is there, and not again', async () => {
  const sent: unknown[] = [];
  let isUp = false;
  let now = description;
  const link = { get isUp() { return isUp; }, clockOffsetMs: null, send: (frame: unknown) => isUp && sent.push(frame) > 0 };
  const reports = new Reports({
    clock: systemClock, log: pino({ enabled: false }), observations: new Observations(() => undefined), link: () => link,
    describe: () => Promise.resolve(now), troubles: () => [], lookedAtAll: () => false, foreign: () => [],
  });
  expect((await reports.begin(Promise.resolve())).describe.hypervisor.machine).toBeNull();
  now = { ...description, hypervisor: { ...description.hypervisor, machine: 'pc-q35-7.2' } };
  await expect(reports.describeNow()).rejects.toThrow('follows with the next one');

  isUp = true;
  reports.linkUp();
  await reports.describeNow();
  expect(sent).toEqual([{ type: 'describe', payload: { changed: { hypervisor: now.hypervisor } } }]);
  now = { ...now, ramTotalMiB: 9000 };
  reports.linkUp();
  await reports.begin(Promise.resolve());
  expect(sent).toHaveLength(1);
});
