import { newId } from '@paravcl/shared/ids';
import type { ContractFixture, DriverUnderContract } from './driver-under.contract';
import type { HypervisorDriver } from './driver';

/** Layers of the disks of guests that run, are saved or off. */
export function guestDisksContract(rig: DriverUnderContract): void {
  describe('guests’ disks', () => {
    const { booted, defined, discard, refusal, untilLeased } = rig;
    let fixture: ContractFixture;
    let driver: HypervisorDriver;

    beforeAll(() => {
      ({ fixture, driver } = rig);
    });

    it('has running guests write into new layers together, and one that cannot keeps none of the others', async () => {
      const [first, second, off] = [await booted(), await booted(), await defined()];
      const layers = await Promise.all([first, second, off].map((spec) => fixture.layerOver(spec, spec.files.overlay)));
      const nobody = newId(Date.now());
      const switches = [first, off, second].map(({ instanceId }, index) => ({ instanceId, layer: layers[[0, 2, 1][index] ?? 0] ?? '' }));
      const before = await fixture.guestCounter(first);
      const answers = await driver.switchDisks([...switches, { instanceId: nobody, layer: layers[0] ?? '' }]);
      expect(answers.map((each) => [each.instanceId, each.ok ? each.quiesced : each.error.code])).toEqual([
        [first.instanceId, false],
        [off.instanceId, 'wrong-state'],
        [second.instanceId, false],
        [nobody, 'unknown-domain'],
      ]);
      expect(await fixture.guestCounter(first)).toBeGreaterThanOrEqual(before);
      expect((await fixture.chain(first.instanceId)).slice(0, 2)).toEqual([layers[0], first.files.overlay]);
      expect([(await driver.diskChain(second.instanceId))[0], (await driver.diskChain(off.instanceId))[0], await driver.diskChain(nobody)]).toEqual([layers[1], off.files.overlay, []]);
      // Asked for what is, it is quiet.
      expect(await driver.switchDisks(switches.slice(0, 1))).toEqual([{ instanceId: first.instanceId, ok: true, quiesced: false }]);
      expect(await fixture.chain(first.instanceId)).toHaveLength(3);
      for (const spec of [first, second, off]) await discard(spec);
    });

    it('merges layers that a running guest does not write, which goes on from its saved RAM and boots over what is left', async () => {
      const spec = await booted();
      const lower = await fixture.layerOver(spec, spec.files.overlay);
      await driver.switchDisks([{ instanceId: spec.instanceId, layer: lower }]);
      const upper = await fixture.layerOver(spec, lower);
      await driver.switchDisks([{ instanceId: spec.instanceId, layer: upper }]);
      expect(await refusal(driver.mergeLayers(spec.instanceId, spec.files.overlay, [lower, upper]))).toBe('wrong-state');
      // What it never lay on does not make done what is not.
      expect(await refusal(driver.mergeLayers(spec.instanceId, spec.files.overlay, [lower, `${upper}.strange`]))).toBe('wrong-state');
      const before = await fixture.guestCounter(spec);
      await driver.save(spec.instanceId);
      expect(await refusal(driver.mergeLayers(spec.instanceId, spec.files.overlay, [lower]))).toBe('wrong-state');
      await driver.start(spec.instanceId);
      await driver.mergeLayers(spec.instanceId, spec.files.overlay, [lower]);
      await driver.mergeLayers(spec.instanceId, spec.files.overlay, [lower]);
      expect((await fixture.chain(spec.instanceId)).slice(0, 2)).toEqual([upper, spec.files.overlay]);
      expect(await fixture.guestCounter(spec)).toBeGreaterThanOrEqual(before);
      await driver.save(spec.instanceId);
      await driver.start(spec.instanceId);
      expect(await fixture.guestCounter(spec)).toBeGreaterThanOrEqual(before);
      await driver.destroy(spec.instanceId);
      expect((await driver.diskChain(spec.instanceId))[0]).toBe(upper);
      await driver.define({ ...spec, generation: spec.generation + 1, files: { ...spec.files, overlay: upper, layers: [spec.files.overlay] } });
      await driver.start(spec.instanceId);
      await untilLeased(spec);
      expect(await fixture.chain(spec.instanceId)).toHaveLength(3);
      await discard(spec);
    });

    it('has a domain that is off or saved go on with another chain', async () => {
      const spec = await booted();
      const layer = await fixture.layerOver(spec, spec.files.overlay);
      const chain = { overlay: layer, layers: [spec.files.overlay], backing: spec.files.backing };
      expect(await refusal(driver.redirectDisk(spec.instanceId, chain))).toBe('wrong-state');
      const before = await fixture.guestCounter(spec);
      await driver.save(spec.instanceId);
      await driver.redirectDisk(spec.instanceId, chain);
      expect(await driver.find(spec.instanceId)).toMatchObject({ generation: spec.generation, state: 'saved' });
      await driver.start(spec.instanceId);
      expect(await fixture.guestCounter(spec)).toBeGreaterThanOrEqual(before);
      expect((await fixture.chain(spec.instanceId)).slice(0, 2)).toEqual([layer, spec.files.overlay]);
      await driver.destroy(spec.instanceId);
      await driver.redirectDisk(spec.instanceId, { ...spec.files });
      expect((await driver.diskChain(spec.instanceId))[0]).toBe(spec.files.overlay);
      await driver.start(spec.instanceId);
      await untilLeased(spec);
      expect(await fixture.chain(spec.instanceId)).toHaveLength(2);
      await discard(spec);
    });
  });
}
