import { once } from 'node:events';
import { newId } from '@paravcl/shared/ids';
import type { ContractFixture, DriverUnderContract } from './driver-under.contract';
import type { HypervisorDriver } from './driver';

/** The domains of this slave: what they are made of, what states they go through, and that others' are left alone. */
export function domainsContract(rig: DriverUnderContract): void {
  describe('domains', () => {
    const { booted, defined, discard, heard, nextNumber, refusal, stateOf, until, untilLeased } = rig;
    let fixture: ContractFixture;
    let driver: HypervisorDriver;

    beforeAll(() => {
      ({ fixture, driver } = rig);
    });

    it('says what kind of hypervisor it is', async () => {
      const version = await driver.version();
      expect(version.kind).toBe(fixture.kind);
      expect(version.machine).toMatch(fixture.kind === 'simulated' ? /^simulated$/ : /^pc-q35-\d/);
    });

    it('defines a domain once and leaves it off', async () => {
      const spec = await defined();
      await driver.define(spec);
      expect(await driver.find(spec.instanceId)).toEqual({ instanceId: spec.instanceId, generation: spec.generation, name: spec.name, state: 'off' });
      expect(await fixture.peek(spec.instanceId)).toBe('off');
      await discard(spec);
    });

    it('redefines a domain that is off, and raises its generation', async () => {
      const spec = await defined();
      await driver.define({ ...spec, generation: spec.generation + 1 });
      expect((await driver.find(spec.instanceId))?.generation).toBe(spec.generation + 1);
      await driver.define({ ...spec, generation: spec.generation + 2, ramMiB: spec.ramMiB + 32 });
      expect((await driver.find(spec.instanceId))?.generation).toBe(spec.generation + 2);
      await discard(spec);
    });

    it('starts, reserves an address and sees the guest take it', async () => {
      const spec = await booted();
      await driver.start(spec.instanceId);
      expect(await stateOf(spec)).toBe('running');
      expect(await fixture.peek(spec.instanceId)).toBe('running');
      await discard(spec);
      expect(await fixture.peek(spec.instanceId)).toBe('absent');
    });

    it('changes only the generation of a running domain, and the guest goes on', async () => {
      const spec = await booted();
      const before = await fixture.guestCounter(spec);
      await driver.define({ ...spec, generation: spec.generation + 5, ramMiB: spec.ramMiB + 64 });
      expect(await driver.find(spec.instanceId)).toMatchObject({ generation: spec.generation + 5, state: 'running' });
      expect(await fixture.guestCounter(spec)).toBeGreaterThanOrEqual(before);
      await discard(spec);
    });

    it('pauses a guest and lets it go on as it was; one saved while paused runs when it is restored', async () => {
      const spec = await booted();
      const before = await fixture.guestCounter(spec);
      await driver.pause(spec.instanceId);
      await driver.pause(spec.instanceId);
      expect(await stateOf(spec)).toBe('paused');
      expect(await fixture.peek(spec.instanceId)).toBe('paused');
      await driver.resume(spec.instanceId);
      expect(await fixture.peek(spec.instanceId)).toBe('running');
      expect(await fixture.guestCounter(spec)).toBeGreaterThanOrEqual(before);

      await driver.pause(spec.instanceId);
      await driver.save(spec.instanceId);
      expect(await stateOf(spec)).toBe('saved');
      // Whoever thinks it is still paused does not start it.
      expect(await refusal(driver.resume(spec.instanceId))).toBe('wrong-state');
      expect(await refusal(driver.pause(spec.instanceId))).toBe('wrong-state');
      expect(await stateOf(spec)).toBe('saved');
      await driver.start(spec.instanceId);
      expect(await fixture.peek(spec.instanceId)).toBe('running');
      expect(await fixture.guestCounter(spec)).toBeGreaterThanOrEqual(before);
      await discard(spec);
    });

    it('asks the guest to power off, and forgets its lease when it boots again', async () => {
      const spec = await booted();
      await driver.shutdown(spec.instanceId);
      await until('it is off', async () => (await stateOf(spec)) === 'off');
      await driver.shutdown(spec.instanceId);
      await driver.destroy(spec.instanceId);
      await driver.start(spec.instanceId);
      expect(await driver.leasedMacs()).not.toContain(spec.mac);
      await untilLeased(spec);
      await discard(spec);
    });

    it('undefines only what is off, and nothing remains of it', async () => {
      const spec = await booted();
      expect(await refusal(driver.undefine(spec.instanceId))).toBe('wrong-state');
      await driver.save(spec.instanceId);
      await driver.undefine(spec.instanceId);
      await driver.undefine(spec.instanceId);
      expect(await driver.find(spec.instanceId)).toBeNull();
      expect(await fixture.peek(spec.instanceId)).toBe('absent');
      // No save may lie in wait for a domain of the same name.
      await driver.define(spec);
      expect(await stateOf(spec)).toBe('off');
      await discard(spec);
    });

    it('refuses calls that the state does not allow', async () => {
      const spec = await defined();
      expect(await refusal(driver.save(spec.instanceId))).toBe('wrong-state');
      expect(await refusal(driver.pause(spec.instanceId))).toBe('wrong-state');
      expect(await refusal(driver.resume(spec.instanceId))).toBe('wrong-state');
      expect(await refusal(driver.stats(spec.instanceId))).toBe('wrong-state');
      expect(await refusal(driver.screenshot(spec.instanceId))).toBe('wrong-state');
      for (const kind of ['screen', 'serial'] as const) expect(await refusal(driver.connectConsole(spec.instanceId, kind))).toBe('wrong-state');
      await discard(spec);
    });

    it('knows no domain that is not there', async () => {
      const nobody = newId(Date.now());
      expect(await driver.find(nobody)).toBeNull();
      for (const call of ['start', 'shutdown', 'destroy', 'save', 'pause', 'resume', 'stats', 'screenshot'] as const) {
        expect([call, await refusal(driver[call](nobody))]).toEqual([call, 'unknown-domain']);
      }
      expect(await refusal(driver.connectConsole(nobody, 'screen'))).toBe('unknown-domain');
    });

    it('lists foreign domains and touches none of them', async () => {
      const foreign = await fixture.makeForeign();
      const others = await fixture.spec(nextNumber());
      await fixture.makeOtherSlaves(others);
      for (const uuid of [foreign, others.instanceId]) {
        for (const call of ['find', 'start', 'shutdown', 'destroy', 'save', 'pause', 'resume', 'undefine', 'stats', 'screenshot', 'diskChain', 'savedRam'] as const) {
          expect([call, await refusal(driver[call](uuid))]).toEqual([call, 'foreign']);
        }
        expect(await refusal(driver.connectConsole(uuid, 'screen'))).toBe('foreign');
        expect(await refusal(driver.define({ ...others, instanceId: uuid }))).toBe('foreign');
        expect(await driver.switchDisks([{ instanceId: uuid, layer: '/nowhere' }])).toMatchObject([{ ok: false, error: { code: 'foreign' } }]);
        expect(await refusal(driver.adoptRam({ ...others, instanceId: uuid }, '/nowhere'))).toBe('foreign');
        expect(await refusal(driver.mergeLayers(uuid, '/nothing', ['/nowhere']))).toBe('foreign');
        expect(await refusal(driver.redirectDisk(uuid, { ...others.files }))).toBe('foreign');
      }
      const { owned, foreign: listed } = await driver.inventory();
      expect(listed.map(({ uuid }) => uuid)).toEqual(expect.arrayContaining([foreign, others.instanceId]));
      expect(owned.map(({ instanceId }) => instanceId)).not.toContain(others.instanceId);
      expect(await fixture.peek(foreign)).toBe('running');
      expect(await fixture.peek(others.instanceId)).toBe('off');
    });

    it('lists everything of ours with its generation and state', async () => {
      const off = await defined();
      const running = await booted();
      const { owned } = await driver.inventory();
      expect(owned).toEqual(
        expect.arrayContaining([
          { instanceId: off.instanceId, generation: off.generation, name: off.name, state: 'off' },
          { instanceId: running.instanceId, generation: running.generation, name: running.name, state: 'running' },
        ]),
      );
      await discard(off);
      await discard(running);
    });

    it('tells of changes, and of the gap before it listened', async () => {
      await until('the gap is told', () => heard.some(({ what }) => what === 'resync'));
      const spec = await defined();
      heard.length = 0;
      await driver.start(spec.instanceId);
      await until('the start is told', () => heard.some(({ what, instanceId }) => what === 'lifecycle' && instanceId === spec.instanceId));
      await discard(spec);
    });

    it('tells a guest stopped by a disk error and lets it go on once the cause is gone', async () => {
      const spec = await fixture.brittleSpec(nextNumber());
      await driver.define(spec);
      heard.length = 0;
      await driver.start(spec.instanceId);
      await fixture.failDisk(spec);
      await until('it is paused by the error', async () => (await stateOf(spec)) === 'paused-io');
      await until('the error is told', () => heard.some(({ what, instanceId }) => what === 'io-error' && instanceId === spec.instanceId));
      expect(await refusal(driver.shutdown(spec.instanceId))).toBe('wrong-state');
      await fixture.mendDisk(spec);
      await driver.resume(spec.instanceId);
      await driver.resume(spec.instanceId);
      expect(await fixture.guestCounter(spec)).toBeGreaterThan(0);
      expect(await stateOf(spec)).toBe('running');
      await discard(spec);
    });

    it('measures a running guest and shows its screen', async () => {
      const spec = await booted();
      const stats = await driver.stats(spec.instanceId);
      expect(stats.cpuTimeNs).toBeGreaterThan(0);
      expect(stats.ramKiB).toBeGreaterThan(1024);
      for (const figure of Object.values(stats)) expect(Number.isFinite(figure)).toBe(true);
      const times = (await driver.processorTimes()).get(spec.instanceId);
      expect(times).toMatchObject({ vcpus: spec.vcpus, delayedNs: expect.any(Number) as number, waitedNs: expect.any(Number) as number });
      expect(times?.ranNs).toBeGreaterThan(0);
      const screen = await driver.screenshot(spec.instanceId);
      expect(screen.subarray(0, 8).toString('hex')).toBe('89504e470d0a1a0a');
      await discard(spec);
    });

    it('connects to a screen that more than one may look at, and to a serial console, which end with the guest', async () => {
      const spec = await booted();
      const screens = [await driver.connectConsole(spec.instanceId, 'screen'), await driver.connectConsole(spec.instanceId, 'screen')];
      for (const screen of screens) expect(String(((await once(screen, 'data')) as [Buffer])[0])).toMatch(/^RFB 003\.\d{3}\n/);
      const serial = await driver.connectConsole(spec.instanceId, 'serial');
      expect(((await once(serial, 'data')) as [Buffer])[0].length).toBeGreaterThan(0);
      const ended = Promise.all([...screens, serial].map((stream) => once(stream.resume(), 'end')));
      await driver.destroy(spec.instanceId);
      await ended;
      for (const stream of [...screens, serial]) stream.destroy();
      await discard(spec);
    });

    it('serves the consoles of a guest that was saved and restored', async () => {
      const spec = await booted();
      await driver.save(spec.instanceId);
      await driver.start(spec.instanceId);
      const screen = await driver.connectConsole(spec.instanceId, 'screen');
      expect(String(((await once(screen, 'data')) as [Buffer])[0])).toMatch(/^RFB/);
      const serial = await driver.connectConsole(spec.instanceId, 'serial');
      expect(((await once(serial, 'data')) as [Buffer])[0].length).toBeGreaterThan(0);
      for (const stream of [screen, serial]) stream.destroy();
      await driver.destroy(spec.instanceId);
      await discard(spec);
    });
  });
}
