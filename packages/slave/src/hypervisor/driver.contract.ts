import { newId } from '@paravcl/shared/ids';
import type { SiteNetwork } from '@paravcl/shared/domain/slave';
import { type DomainEvent, type DomainSpec, HypervisorError, type HypervisorDriver, type HypervisorErrorCode, type OwnedDomain } from './driver';

/** What the suite needs of a host. Everything marked "past the driver" looks or acts without the code under test. */
export interface ContractFixture {
  readonly driver: HypervisorDriver;
  readonly kind: 'kvm' | 'qemu' | 'simulated';
  readonly network: SiteNetwork;
  /** A spec with fresh files for a new instance; `number` is unique and below 200. */
  spec(number: number): Promise<DomainSpec>;
  /** Past the driver: what the hypervisor has under this UUID. */
  peek(uuid: string): Promise<'running' | 'paused' | 'off' | 'absent'>;
  /** Past the driver: a running domain that bears no mark; returns its UUID. */
  makeForeign(): Promise<string>;
  /** Makes a domain that bears the mark of another slave; returns its UUID. */
  makeOtherSlaves(spec: DomainSpec): Promise<void>;
  /** Past the driver: something only the guest's RAM knows and that never falls while it lives. */
  guestCounter(spec: DomainSpec): Promise<number>;
  /** A spec whose guest writes to its disk until `failDisk` or a disk too small stops it. */
  brittleSpec(number: number): Promise<DomainSpec>;
  /** Past the driver: makes the disk of a guest of `brittleSpec` fail. */
  failDisk(spec: DomainSpec): Promise<void>;
  /** Past the driver: takes away the cause of the disk error. */
  mendDisk(spec: DomainSpec): Promise<void>;
  /** Makes an empty layer, over what a guest of this spec writes: `below`. */
  layerOver(spec: DomainSpec, below: string): Promise<string>;
  /** Past the driver: files of its disk, from what the guest writes downwards. */
  chain(uuid: string): Promise<readonly string[]>;
  /** Past the driver: damages the save of a saved domain. */
  damageSave(spec: DomainSpec): Promise<void>;
  /** Past the driver: keeps a copy of the RAM in this file, with zeros behind it, under a path that is answered. */
  keepRam(spec: DomainSpec, file: string): Promise<string>;
  /** Past the driver: a file that is no RAM of anybody. */
  noRam(): Promise<string>;
  readonly patienceMs: number;
  dispose(): Promise<void>;
}

/** What every hypervisor driver promises, run over the simulation and over real libvirt with a real guest. */
export function driverContract(name: string, makeFixture: () => Promise<ContractFixture>): void {
  describe(`the hypervisor driver over ${name}`, () => {
    let fixture: ContractFixture;
    let driver: HypervisorDriver;
    let specs = 0;
    const heard: DomainEvent[] = [];

    beforeAll(async () => {
      fixture = await makeFixture();
      ({ driver } = fixture);
      driver.onEvent((event) => heard.push(event));
      await driver.open();
      await driver.ensureNetwork(fixture.network);
    });

    afterAll(async () => {
      await driver.close();
      await fixture.dispose();
    });

    const until = async (what: string, isTrue: () => Promise<boolean> | boolean): Promise<void> => {
      const end = performance.now() + fixture.patienceMs;
      while (!(await isTrue())) {
        if (performance.now() > end) throw new Error(`waited ${String(fixture.patienceMs)} ms in vain until ${what}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    const refusal = async (call: Promise<unknown>): Promise<HypervisorErrorCode | 'none'> =>
      call.then(
        () => 'none' as const,
        (error: unknown) => {
          if (!(error instanceof HypervisorError)) throw error;
          return error.code;
        },
      );
    const stateOf = async ({ instanceId }: DomainSpec): Promise<OwnedDomain['state'] | undefined> => (await driver.find(instanceId))?.state;
    const defined = async (): Promise<DomainSpec> => {
      const spec = await fixture.spec((specs += 1));
      await driver.reserveAddress(reservationOf(spec, specs));
      await driver.define(spec);
      return spec;
    };
    const booted = async (): Promise<DomainSpec> => {
      const spec = await defined();
      await driver.start(spec.instanceId);
      await untilLeased(spec);
      return spec;
    };
    const untilLeased = (spec: DomainSpec): Promise<void> => until(`${spec.name} has its address`, async () => (await driver.leasedMacs()).has(spec.mac));
    const reservationOf = (spec: DomainSpec, number: number) => ({
      mac: spec.mac,
      address: fixture.network.gateway.replace(/\d+$/, String(10 + number)),
      name: spec.name,
    });
    const discard = async (spec: DomainSpec): Promise<void> => {
      await driver.destroy(spec.instanceId);
      await driver.undefine(spec.instanceId);
      await driver.releaseAddress(spec.mac);
    };

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
      await discard(spec);
    });

    it('knows no domain that is not there', async () => {
      const nobody = newId(Date.now());
      expect(await driver.find(nobody)).toBeNull();
      for (const call of ['start', 'shutdown', 'destroy', 'save', 'pause', 'resume', 'stats', 'screenshot'] as const) {
        expect([call, await refusal(driver[call](nobody))]).toEqual([call, 'unknown-domain']);
      }
    });

    it('lists foreign domains and touches none of them', async () => {
      const foreign = await fixture.makeForeign();
      const others = await fixture.spec((specs += 1));
      await fixture.makeOtherSlaves(others);
      for (const uuid of [foreign, others.instanceId]) {
        for (const call of ['find', 'start', 'shutdown', 'destroy', 'save', 'pause', 'resume', 'undefine', 'stats', 'screenshot', 'diskChain', 'savedRam'] as const) {
          expect([call, await refusal(driver[call](uuid))]).toEqual([call, 'foreign']);
        }
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
      const spec = await fixture.brittleSpec((specs += 1));
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

    it('measures a running guest and shows its screen', async () => {
      const spec = await booted();
      const stats = await driver.stats(spec.instanceId);
      expect(stats.cpuTimeNs).toBeGreaterThan(0);
      expect(stats.ramKiB).toBeGreaterThan(1024);
      for (const figure of Object.values(stats)) expect(Number.isFinite(figure)).toBe(true);
      const screen = await driver.screenshot(spec.instanceId);
      expect(screen.subarray(0, 8).toString('hex')).toBe('89504e470d0a1a0a');
      await discard(spec);
    });

    it('reserves each address for one MAC, replacing what is in the way', async () => {
      const address = (last: number): string => fixture.network.gateway.replace(/\d+$/, String(last));
      const first = { mac: '00:16:3e:aa:00:01', address: address(240), name: 'i-first' };
      const second = { mac: '00:16:3e:aa:00:02', address: address(241), name: 'i-second' };
      await Promise.all([driver.reserveAddress(first), driver.reserveAddress(second), driver.reserveAddress(first)]);
      expect(await driver.reservations()).toEqual(expect.arrayContaining([first, second]));
      // The second takes over the first's address: the first has none then.
      const moved = { ...second, address: first.address };
      await driver.reserveAddress(moved);
      const now = (await driver.reservations()).filter(({ mac }) => mac === first.mac || mac === second.mac);
      expect(now).toEqual([moved]);
      await driver.releaseAddress(second.mac);
      await driver.releaseAddress(second.mac);
      expect((await driver.reservations()).map(({ mac }) => mac)).not.toContain(second.mac);
    });

    it('gives the address of a guest that lost its power to another one', async () => {
      const first = await booted();
      const address = reservationOf(first, specs).address;
      await discard(first);
      const second = await fixture.spec((specs += 1));
      await driver.reserveAddress({ mac: second.mac, address, name: second.name });
      await driver.define(second);
      await driver.start(second.instanceId);
      await untilLeased(second);
      await discard(second);
    });

    it('keeps the network that is there', async () => {
      const before = await driver.reservations();
      await driver.ensureNetwork(fixture.network);
      expect(await driver.reservations()).toEqual(before);
    });
  });
}
