import type { ContractFixture, DriverUnderContract } from './driver-under.contract';
import type { HypervisorDriver } from './driver';

/** RAM of saved guests: each goes on with its own, once, here or on another host, and never boots in its stead. */
export function savedRamContract(rig: DriverUnderContract): void {
  describe('saved RAM', () => {
    const { booted, defined, discard, refusal, stateOf } = rig;
    let fixture: ContractFixture;
    let driver: HypervisorDriver;

    beforeAll(() => {
      ({ fixture, driver } = rig);
    });

    it('saves RAM and goes on from it, with the newest generation, without taking an address again', async () => {
      const spec = await booted();
      const before = await fixture.guestCounter(spec);
      await driver.save(spec.instanceId);
      await driver.save(spec.instanceId);
      expect(await stateOf(spec)).toBe('saved');
      expect(await fixture.peek(spec.instanceId)).toBe('off');
      await driver.define({ ...spec, generation: spec.generation + 1 });
      expect(await driver.find(spec.instanceId)).toMatchObject({ generation: spec.generation + 1, state: 'saved' });
      await driver.start(spec.instanceId);
      expect(await driver.find(spec.instanceId)).toMatchObject({ generation: spec.generation + 1, state: 'running' });
      expect(await driver.leasedMacs()).toContain(spec.mac);
      expect(await fixture.guestCounter(spec)).toBeGreaterThanOrEqual(before);
      // A save may only be taken up once.
      await driver.destroy(spec.instanceId);
      expect(await stateOf(spec)).toBe('off');
      await discard(spec);
    });

    it('never boots a saved domain afresh when its save is damaged', async () => {
      const spec = await booted();
      await driver.save(spec.instanceId);
      await fixture.damageSave(spec);
      expect(await refusal(driver.start(spec.instanceId))).toBe('save-unusable');
      expect(await fixture.peek(spec.instanceId)).toBe('off');
      expect(await stateOf(spec)).toBe('saved');
      await discard(spec);
    });

    it('goes on with RAM that was kept elsewhere, once, under a newer generation', async () => {
      const spec = await booted();
      const before = await fixture.guestCounter(spec);
      expect(await refusal(driver.savedRam(spec.instanceId))).toBe('wrong-state');
      await driver.save(spec.instanceId);
      const ram = await fixture.keepRam(spec, await driver.savedRam(spec.instanceId));
      await driver.undefine(spec.instanceId);

      const again = { ...spec, generation: spec.generation + 3 };
      expect(await refusal(driver.adoptRam(again, ram))).toBe('unknown-domain');
      await driver.define(again);
      await driver.adoptRam(again, ram);
      await driver.adoptRam(again, ram);
      expect(await driver.find(spec.instanceId)).toMatchObject({ generation: again.generation, state: 'saved' });
      expect((await driver.inventory()).owned.find(({ instanceId }) => instanceId === spec.instanceId)).toMatchObject({ state: 'saved' });
      expect(await fixture.peek(spec.instanceId)).toBe('off');
      expect(await refusal(driver.resume(spec.instanceId))).toBe('wrong-state');
      // What it was given can be given on.
      const further = await fixture.keepRam(spec, await driver.savedRam(spec.instanceId));
      await driver.define({ ...again, generation: again.generation + 1 });
      await driver.start(spec.instanceId);
      expect(await driver.find(spec.instanceId)).toMatchObject({ generation: again.generation + 1, state: 'running' });
      expect(await fixture.guestCounter(spec)).toBeGreaterThanOrEqual(before);
      expect(await refusal(driver.adoptRam(again, further))).toBe('wrong-state');

      // From here on it is a guest as any: its own save is what it goes on with.
      await driver.save(spec.instanceId);
      await driver.start(spec.instanceId);
      expect(await fixture.guestCounter(spec)).toBeGreaterThanOrEqual(before);
      await driver.destroy(spec.instanceId);
      expect(await stateOf(spec)).toBe('off');
      await driver.adoptRam(again, further);
      await driver.undefine(spec.instanceId);
      await driver.define(again);
      expect(await stateOf(spec)).toBe('off');
      await discard(spec);
    });

    it('takes no RAM that is damaged, or of another guest', async () => {
      const [spec, other] = [await booted(), await defined()];
      await driver.save(spec.instanceId);
      const ram = await fixture.keepRam(spec, await driver.savedRam(spec.instanceId));
      expect(await refusal(driver.adoptRam(other, ram))).toBe('save-unusable');
      expect(await refusal(driver.adoptRam(other, await fixture.noRam()))).toBe('save-unusable');
      expect(await stateOf(other)).toBe('off');
      expect(await refusal(driver.savedRam(other.instanceId))).toBe('wrong-state');
      await discard(other);
      await discard(spec);
    });

    it('has a domain with given RAM go on over another chain', async () => {
      const spec = await booted();
      const before = await fixture.guestCounter(spec);
      await driver.save(spec.instanceId);
      const ram = await fixture.keepRam(spec, await driver.savedRam(spec.instanceId));
      await driver.undefine(spec.instanceId);
      await driver.define(spec);
      await driver.adoptRam(spec, ram);
      const layer = await fixture.layerOver(spec, spec.files.overlay);
      await driver.redirectDisk(spec.instanceId, { overlay: layer, layers: [spec.files.overlay], backing: spec.files.backing });
      expect(await stateOf(spec)).toBe('saved');
      expect((await driver.diskChain(spec.instanceId)).slice(0, 2)).toEqual([layer, spec.files.overlay]);
      await driver.start(spec.instanceId);
      expect(await fixture.guestCounter(spec)).toBeGreaterThanOrEqual(before);
      expect((await fixture.chain(spec.instanceId)).slice(0, 2)).toEqual([layer, spec.files.overlay]);
      await discard(spec);
    });
  });
}
