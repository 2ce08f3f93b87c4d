import { newId } from '@paravcl/shared/ids';
import type { DesiredInstance, InstanceSpec } from '@paravcl/shared/protocol/desired-instance';
import fc from 'fast-check';
import { instanceEnd, lookAgainMs, timeLeftMs, toldEnd, type HostTime } from './instance-end';
import { noMarks } from './marks';

const spec: InstanceSpec = {
  name: 'i-a', vcpus: 1, ramMiB: 1, diskMiB: 1, disk: { imageId: newId(1), sha256: 'a'.repeat(64), sizeBytes: 1, format: 'raw' }, kernel: null, ramdisk: null, kernelArguments: '',
  mac: '00:16:3e:00:00:01', address: '10.77.0.10', bandwidthMbps: null, seed: { hostname: 'i-a', user: 'student', sshPublicKeys: [] },
};
const atNine = Date.parse('2026-03-02T09:00:00.000Z');
const running = (generation: number, endsAtMs: number | null): DesiredInstance => ({ instanceId: newId(2), generation, desired: 'running', spec, endsAt: endsAtMs === null ? null : new Date(endsAtMs).toISOString() });

const hour = 3600_000;
const utc = fc.integer({ min: atNine - 400 * 24 * hour, max: atNine + 400 * 24 * hour });
const duration = fc.integer({ min: 0, max: 400 * 24 * hour });
const toldArbitrary = fc.record({ utcMs: utc, uptimeMs: duration, hostBootId: fc.constant('boot-a') });
const stopped = (generation: number, desired: 'suspended' | 'stopped'): DesiredInstance => ({ instanceId: newId(2), generation, desired, spec });

test('in the same boot the end comes when the told time has passed, however the wall clock is set meanwhile', () => {
  fc.assert(
    fc.property(toldArbitrary, duration, duration, utc, (told, ofTime, passed, utcMs) => {
      const now: HostTime = { utcMs, uptimeMs: told.uptimeMs + passed, hostBootId: 'boot-a' };
      expect(timeLeftMs(told.utcMs + ofTime, told, now)).toBe(ofTime - passed);
    }),
  );
});

test('sleep counts: what passed on the clock since boot is gone, whether or not anybody was awake', () => {
  const told: HostTime = { utcMs: atNine, uptimeMs: 1000, hostBootId: 'boot-a' };
  const woken: HostTime = { utcMs: atNine + 8 * hour, uptimeMs: 1000 + 8 * hour, hostBootId: 'boot-a' };
  expect(instanceEnd({ desired: running(1, atNine + hour), told, marks: noMarks }, woken).over).toBe(true);
});

test('after a reboot, and without the moment it was told, UTC decides', () => {
  fc.assert(
    fc.property(fc.option(toldArbitrary), utc, duration, utc, (told, utcMs, uptimeMs, endsAtMs) => {
      expect(timeLeftMs(endsAtMs, told, { utcMs, uptimeMs, hostBootId: 'boot-b' })).toBe(endsAtMs - utcMs);
    }),
  );
});

test('what has an end is looked at again within a second, and exactly at its end', () => {
  fc.assert(
    fc.property(toldArbitrary, utc, fc.integer({ min: -hour, max: hour }), (told, endsAtMs, leftMs) => {
      const now: HostTime = { utcMs: 0, uptimeMs: told.uptimeMs + (endsAtMs - told.utcMs) - leftMs, hostBootId: 'boot-a' };
      const end = instanceEnd({ desired: running(1, endsAtMs), told, marks: noMarks }, now);
      expect(end.over).toBe(leftMs <= 0);
      expect(end.lookInMs).toBe(leftMs <= 0 ? lookAgainMs : Math.min(lookAgainMs, leftMs));
    }),
  );
});

test('an end that was noted stays, whatever the clocks say; a newer generation is judged afresh', () => {
  const marks = { ...noMarks, timeEnded: { generation: 3 } };
  const now: HostTime = { utcMs: atNine, uptimeMs: 0, hostBootId: 'boot-b' };
  expect(instanceEnd({ desired: running(3, atNine + hour), told: null, marks }, now)).toEqual({ over: true, noted: true, lookInMs: null });
  expect(instanceEnd({ desired: running(4, atNine + hour), told: null, marks }, now).over).toBe(false);
});

test.each([
  ['without an end', running(1, null)],
  ['without a word of an end', { ...running(1, null), endsAt: undefined } as unknown as DesiredInstance],
  ['that should not run', { ...running(1, atNine - hour), desired: 'stopped' } as DesiredInstance],
  ['that nobody knows', null],
])('an instance %s has no time that could be over', (_, desired) => {
  expect(instanceEnd({ desired, told: null, marks: noMarks }, { utcMs: atNine, uptimeMs: 0, hostBootId: 'boot-a' })).toEqual({ over: false, noted: false, lookInMs: null });
});

describe('the moment in which an end was told', () => {
  const told: HostTime = { utcMs: atNine, uptimeMs: 1000, hostBootId: 'boot-a' };
  const endsAtMs = atNine + hour;
  /** What is kept after these orders, each told at its moment. */
  const keptAfter = (...orders: readonly (readonly [DesiredInstance, HostTime])[]) => orders.reduce<ReturnType<typeof toldEnd>>((earlier, [desired, now]) => toldEnd(desired, earlier, now), null);

  test('is kept with the same end in the same boot, also across a suspension or a stop, so that a wall clock that jumped meanwhile ends nothing', () => {
    fc.assert(
      fc.property(fc.constantFrom('suspended' as const, 'stopped' as const), fc.integer({ min: 0, max: hour - 1 }), utc, (pause, passed, utcMs) => {
        const now: HostTime = { utcMs, uptimeMs: told.uptimeMs + passed, hostBootId: 'boot-a' };
        const kept = keptAfter([running(1, endsAtMs), told], [stopped(2, pause), now], [running(3, endsAtMs), now]);
        expect(kept).toEqual({ endsAt: '2026-03-02T10:00:00.000Z', ...told });
        expect(timeLeftMs(endsAtMs, kept, now)).toBe(hour - passed);
      }),
    );
  });

  test('is a new one with another end, and in another boot of the host', () => {
    const later: HostTime = { utcMs: atNine + 5, uptimeMs: 1005, hostBootId: 'boot-a' };
    expect(keptAfter([running(1, endsAtMs), told], [running(2, endsAtMs + hour), later])).toMatchObject(later);
    const rebooted: HostTime = { ...later, hostBootId: 'boot-b' };
    expect(keptAfter([running(1, endsAtMs), told], [stopped(2, 'suspended'), later], [running(3, endsAtMs), rebooted])).toMatchObject(rebooted);
  });

  test('is nothing without an end, and goes with the instance', () => {
    expect(keptAfter([running(1, endsAtMs), told], [running(2, null), told])).toBeNull();
    expect(keptAfter([running(1, endsAtMs), told], [{ instanceId: newId(2), generation: 2, desired: 'deleted', spec: null }, told])).toBeNull();
    expect(keptAfter([stopped(1, 'stopped'), told])).toBeNull();
  });
});
