import { newId } from '@paravcl/shared/ids';
import fc from 'fast-check';
import { concernsHome, holdsHome, homeAfter, homeArrived, homeSavedWith, homeTakenUp, nextEpoch, type HomeUser } from './home-holding';
import { atHome, newHome, type HomeLeftover, type HomeRecord } from './home-record';
import { guestBegins, homeStep, leftoverStep, type HomeWorld } from './home-steps';

const now = 1_700_000_000_000;
const [slaveA, slaveB] = [newId(1), newId(2)];
const base = newHome({ id: newId(3), userId: newId(4), sizeMiB: 64, ownSize: false }, now);
const user = (facts: Partial<HomeUser> = {}): HomeUser => ({ id: newId(5), slaveId: null, desired: 'running', observed: 'requested', queuedAt: null, booted: false, ramImageId: null, ...facts });
const change = (home: HomeRecord, before: HomeUser | null, facts: Partial<HomeUser>, wish: boolean | null = null, neverRan = false) => {
  const after = { ...(before ?? user()), ...facts };
  return { after, ...homeAfter(home, before, after, { wish, returnId: newId(now), now, neverRan }) };
};

test('asked for, it is kept for the instance; placed, it goes there under a new epoch', () => {
  const asked = change(base, null, {});
  expect(asked.home).toMatchObject({ state: 'attached', instanceId: asked.after.id, slaveId: null, epoch: 0 });
  const placed = change(asked.home, asked.after, { slaveId: slaveA, observed: 'preparing' });
  expect(placed.home).toMatchObject({ state: 'attached', slaveId: slaveA, epoch: 1, attachedMiB: 64 });
});

test.each([false, null, true])('of size 0, or with the wish %p, what is to be had is had', (wish) => {
  expect(change({ ...base, sizeMiB: 0 }, null, {}, wish).home.state).toBe('stored');
  expect(change(base, null, {}, wish).home.state).toBe(wish === false ? 'stored' : 'attached');
});

test('one whose RAM comes from the store gets none, also when it runs in the end', () => {
  const asked = change(base, null, { ramImageId: newId(9) });
  expect(asked.home).toBe(base);
  const placed = change(base, asked.after, { slaveId: slaveA, observed: 'preparing' });
  expect(placed.home).toBe(base);
  const runs = change(base, placed.after, { booted: true, observed: 'running' });
  expect(runs.home).toBe(base);
  const off = change(base, runs.after, { desired: 'stopped', observed: 'stopped' });
  expect(change(base, off.after, { queuedAt: now }).home.state).toBe('attached');
});

test('one that leaves its slave having run there leaves it to come back from there; having not, it takes it along', () => {
  const there: HomeRecord = { ...base, state: 'attached', slaveId: slaveA, epoch: 4, attachedMiB: 64 };
  const ran = user({ slaveId: slaveA, observed: 'running', booted: true });
  expect(change({ ...there, instanceId: ran.id }, ran, { slaveId: null, observed: 'queued', booted: false })).toMatchObject({ home: { state: 'returning', slaveId: slaveA, epoch: 4 }, leftover: null });
  const unstarted = user({ slaveId: slaveA, observed: 'preparing' });
  expect(change({ ...there, instanceId: unstarted.id }, unstarted, { slaveId: null, observed: 'queued' })).toMatchObject({ home: { state: 'attached', slaveId: null }, leftover: { slaveId: slaveA, epoch: 4 } });
});

test('one that took it back before it had returned, and fails before it runs, leaves what was written there to come back', () => {
  const there: HomeRecord = { ...base, state: 'attached', slaveId: slaveA, epoch: 4, attachedMiB: 64 };
  const ran = user({ slaveId: slaveA, observed: 'running', booted: true });
  const left = change({ ...there, instanceId: ran.id }, ran, { slaveId: null, observed: 'queued', booted: false });
  const back = change(left.home, left.after, { slaveId: slaveA, observed: 'preparing' });
  expect(back.home).toMatchObject({ state: 'attached', slaveId: slaveA, epoch: 4 });
  expect(change(back.home, back.after, { slaveId: null, observed: 'queued' })).toMatchObject({ home: { state: 'returning', slaveId: slaveA, epoch: 4, used: true }, leftover: null });
});

test('saved with it, it waits in the store with its RAM: whoever goes on with that has it, and who gives the RAM up gives it back', () => {
  const [ramId, imageId] = [newId(8), newId(9)];
  const there = user({ slaveId: slaveA, desired: 'suspended', observed: 'suspended', booted: true });
  const open: HomeRecord = { ...base, state: 'attached', instanceId: there.id, slaveId: slaveA, epoch: 4, attachedMiB: 64 };
  const saved = homeSavedWith(open, slaveA, { ramId, imageId }, now);
  expect(saved).toMatchObject({ home: { state: 'attached', slaveId: null, imageId, openInRamId: ramId }, leftover: { slaveId: slaveA, epoch: 4, lost: false } });
  const left = change({ ...saved.home, sizeMiB: 128 }, there, { slaveId: null, booted: false, ramImageId: ramId });
  expect(left.home).toMatchObject({ state: 'attached', slaveId: null, openInRamId: ramId });
  const placed = change(left.home, left.after, { slaveId: slaveB, desired: 'running', observed: 'preparing' });
  expect(placed.home).toMatchObject({ state: 'attached', slaveId: slaveB, epoch: 5, openInRamId: ramId, attachedMiB: 64 });
  // What could not use the RAM there has not written either: both are in the store as before.
  const back = change(placed.home, { ...placed.after, observed: 'resuming' }, { slaveId: null, observed: 'failed' });
  expect(back).toMatchObject({ home: { state: 'attached', slaveId: null, openInRamId: ramId }, leftover: { slaveId: slaveB, epoch: 5 } });
  expect(change(placed.home, placed.after, { observed: 'running', booted: true }).home).toMatchObject({ state: 'attached', slaveId: slaveB, openInRamId: null });
  expect(change(left.home, left.after, { ramImageId: null, desired: 'stopped', observed: 'stopped' }).home).toMatchObject({ state: 'stored', instanceId: null, openInRamId: null, imageId });
  // Booted instead, it is as large as it is by now.
  expect(change(left.home, left.after, { ramImageId: null, slaveId: slaveB, desired: 'running', observed: 'preparing' }).home).toMatchObject({ openInRamId: null, attachedMiB: 128 });
  // Taken back to a snapshot, it is given RAM that knows of no volume.
  expect(change(left.home, left.after, { ramImageId: newId(10), desired: 'running', observed: 'queued' }).home).toMatchObject({ state: 'stored', openInRamId: null });
});

test('of one that its slave has proved never to have run there nothing comes back, whatever it was thought to be', () => {
  const ramId = newId(8);
  const silent = user({ slaveId: slaveA, observed: 'lost', ramImageId: ramId });
  const open: HomeRecord = { ...base, state: 'attached', instanceId: silent.id, slaveId: slaveA, epoch: 4, attachedMiB: 64, openInRamId: ramId };
  const leaves = { slaveId: null, observed: 'queued' } as const;
  expect(change(open, silent, leaves, null, true)).toMatchObject({ home: { state: 'attached', slaveId: null, openInRamId: ramId }, leftover: { slaveId: slaveA, epoch: 4, lost: false } });
  expect(change(open, silent, leaves)).toMatchObject({ home: { state: 'returning', slaveId: slaveA }, leftover: null });
  // What took it back before it had returned wrote on it earlier.
  expect(change({ ...open, used: true }, silent, leaves, null, true).home.state).toBe('returning');
});

test('off and not asked for, nothing keeps it, be it with RAM that has it open', () => {
  const ramId = newId(8);
  const runs = user({ slaveId: slaveA, observed: 'resuming', ramImageId: ramId });
  const open: HomeRecord = { ...base, state: 'attached', instanceId: runs.id, slaveId: slaveA, epoch: 4, attachedMiB: 64, openInRamId: ramId };
  expect(change(open, runs, { desired: 'stopped', observed: 'stopped' }).home).toMatchObject({ state: 'returning', slaveId: slaveA });
});

test('taken away by an operator while it was waited with, it goes nowhere', () => {
  const waiting = user();
  expect(change({ ...base, sizeMiB: 0, state: 'attached', instanceId: waiting.id }, waiting, { slaveId: slaveA, observed: 'preparing' }).home).toMatchObject({ state: 'stored', instanceId: null, slaveId: null });
});

test('no epoch that a slave was told is used for another way, also when nothing came of that', () => {
  const told = { ...base, epoch: 4, toldEpoch: 7 };
  const waiting = user();
  const placed = change({ ...told, state: 'attached', instanceId: waiting.id }, waiting, { slaveId: slaveA, observed: 'preparing' });
  expect([placed.home.epoch, nextEpoch(placed.home)]).toEqual([8, 9]);
});

/** The guests of a person with the slaves beneath, as far as the home goes: what each slave has, of which epoch, and what was written. */
class World {
  home: HomeRecord = base;
  users: HomeUser[] = [];
  /** By slave: epoch and content of its copy. */
  readonly copies = new Map<string, { epoch: number; content: number }>();
  stored = 0;
  written = 0;
  private writes = 0;
  leftovers: HomeLeftover[] = [];
  /** By instance: what its present definition has, from its last start on. */
  readonly attached = new Map<string, { slaveId: string; epoch: number }>();
  readonly gone = new Set<string>();
  /** By instance: where it goes as it runs, and under which epoch the home goes along. */
  readonly migrating = new Map<string, { from: string; to: string; epoch: number | null }>();
  /** By RAM in the store: what the home held that it has open. */
  readonly rams = new Map<string, number>();
  private clock = now;

  change(id: string | null, facts: Partial<HomeUser>): void {
    this.clock += 1;
    const before = id === null ? null : (this.users.find((each) => each.id === id) ?? null);
    const after = { ...(before ?? user({ id: newId(this.clock) })), ...facts };
    this.users = [...this.users.filter((each) => each.id !== after.id), after];
    if (before !== null && guestBegins(before, after)) this.leftovers = this.leftovers.map((each) => (each.givenUp?.instanceId === after.id ? { ...each, givenUp: { ...each.givenUp, instanceId: null } } : each));
    if (!concernsHome(before, after)) return;
    const epoch = this.home.epoch;
    const outcome = homeAfter(this.home, before, after, { wish: null, returnId: newId(this.clock), now: this.clock });
    this.home = outcome.home;
    if (this.home.epoch < epoch) throw new Error('its epoch fell');
    if (outcome.leftover !== null) this.owe(outcome.leftover);
    if (outcome.home.state === 'attached' && epoch !== outcome.home.epoch && outcome.home.instanceId !== after.id) throw new Error('it went to another than who changed');
  }

  /** The slave brings the instance up, with what its order says. */
  boot(id: string): void {
    const it = this.users.find((each) => each.id === id);
    if (it?.slaveId == null || it.desired !== 'running' || this.gone.has(it.slaveId) || !['preparing', 'stopped', 'suspended'].includes(it.observed)) return;
    const { state, instanceId, slaveId, epoch } = this.home;
    const held = it.ramImageId === null || it.booted ? undefined : this.rams.get(it.ramImageId);
    if (held !== undefined && (state !== 'attached' || instanceId !== id || this.stored !== held)) throw new Error('RAM goes on over another home than it has open');
    if (state === 'attached' && instanceId === id && slaveId === it.slaveId) {
      const copy = this.copies.get(slaveId);
      // The lock of the guest that has it there still: its slave does not make another over it.
      if ([...this.attached].some(([other, at]) => other !== id && at.slaveId === slaveId && at.epoch < epoch)) return;
      if (copy !== undefined && copy.epoch > epoch) throw new Error('a host was told an epoch that has passed');
      if (copy?.epoch !== epoch) this.copies.set(slaveId, { epoch, content: this.stored });
      this.attached.set(id, { slaveId, epoch });
    }
    this.change(id, { observed: 'running', booted: true });
  }

  write(id: string): void {
    const it = this.users.find((each) => each.id === id);
    const at = this.attached.get(id);
    if (it?.observed !== 'running' || at === undefined || this.gone.has(at.slaveId)) return;
    const copy = this.copies.get(at.slaveId);
    if (copy?.epoch !== at.epoch) throw new Error(`a running guest’s home is gone from under it`);
    copy.content = this.writes += 1;
    // Exclusive: of all who write, one has it, and what others write is of one that was given up.
    if (at.epoch === this.home.epoch && at.slaveId === this.home.slaveId) this.written = copy.content;
  }

  /** It goes to the other slave as it runs. */
  send(id: string): void {
    const it = this.users.find((each) => each.id === id);
    if (it?.slaveId == null || it.desired !== 'running' || it.observed !== 'running' || this.gone.size > 0 || this.migrating.has(id) || this.hasGivenUp(id)) return;
    const [from, to] = it.slaveId === slaveA ? [slaveA, slaveB] : [slaveB, slaveA];
    const { home } = this;
    // A guest that has one there still, which was given up: that slave makes no other over it.
    if ([...this.attached].some(([other, at]) => other !== id && at.slaveId === to)) return;
    const goes = home.state === 'attached' && home.instanceId === id && home.slaveId === from;
    if (goes) this.home = { ...home, toldEpoch: nextEpoch(home) };
    this.migrating.set(id, { from, to, epoch: goes ? this.home.toldEpoch : null });
    if (!goes) return;
    const copy = this.copies.get(to);
    if (copy !== undefined && copy.epoch >= this.home.toldEpoch) throw new Error('a host was told an epoch that it had before');
    this.copies.set(to, { epoch: this.home.toldEpoch, content: this.stored });
  }

  /** The master decides who has it. */
  decide(id: string, arrived: boolean): void {
    const it = this.users.find((each) => each.id === id);
    const migration = this.migrating.get(id);
    if (it === undefined || migration === undefined) return;
    this.migrating.delete(id);
    const { from, to, epoch } = migration;
    const moved = arrived && it.desired !== 'deleted' && it.observed !== 'deleted';
    if (!moved) {
      if (epoch !== null) this.owe({ volumeId: this.home.id, slaveId: to, epoch, lost: false });
      return;
    }
    const [copy, source] = [this.copies.get(to), this.copies.get(from)];
    if (epoch !== null && this.home.instanceId === id && this.home.slaveId === from) {
      if (copy?.epoch !== epoch || source === undefined) throw new Error('what arrived has no home');
      copy.content = source.content;
      const { home, leftover } = homeArrived(this.home, from, to, epoch, this.clock);
      this.home = home;
      this.owe(leftover);
      if (this.attached.has(id)) this.attached.set(id, { slaveId: to, epoch });
    }
    this.change(id, { slaveId: to });
  }

  save(id: string): void {
    const it = this.users.find((each) => each.id === id);
    if (it?.slaveId == null || it.desired !== 'running' || it.observed !== 'running' || this.gone.has(it.slaveId) || this.migrating.has(id)) return;
    this.change(id, { desired: 'suspended', observed: 'suspended' });
  }

  /** Saved, it leaves for the store. */
  depart(id: string): void {
    const it = this.users.find((each) => each.id === id);
    if (it?.slaveId == null || it.desired !== 'suspended' || !it.booted || this.gone.has(it.slaveId) || it.queuedAt !== null || this.hasGivenUp(id)) return;
    this.clock += 1;
    const ramId = newId(this.clock);
    const { home } = this;
    if (home.state === 'attached' && home.instanceId === id && home.slaveId === it.slaveId) {
      this.stored = this.copies.get(it.slaveId)?.content ?? NaN;
      this.rams.set(ramId, this.stored);
      const saved = homeSavedWith(home, it.slaveId, { ramId, imageId: newId(this.clock) }, this.clock);
      this.home = saved.home;
      this.owe(saved.leftover);
    }
    this.attached.delete(id);
    this.change(id, { slaveId: null, booted: false, ramImageId: ramId });
  }

  off(id: string): void {
    const it = this.users.find((each) => each.id === id);
    if (this.migrating.has(id)) return this.decide(id, true);
    if (it === undefined || (it.desired !== 'stopped' && it.desired !== 'deleted')) return;
    this.attached.delete(id);
    this.change(id, { observed: it.desired });
  }

  /** One step of what brings it back. */
  step(): void {
    const step = homeStep(this.home, this.world());
    if (step === null || step.kind === 'say') return;
    if (step.kind === 'give-up') {
      const { slaveId, epoch, instanceId } = this.home;
      if (slaveId !== null) this.owe({ volumeId: this.home.id, slaveId, epoch, lost: true, givenUp: { instanceId, attachedMiB: 64 } });
      this.written = this.stored;
      this.home = { ...this.home, ...atHome };
      return;
    }
    // As its file's lock says.
    if ([...this.attached.values()].some((at) => at.slaveId === step.slaveId && at.epoch === this.home.epoch)) return;
    if (step.kind === 'send') {
      this.home = { ...this.home, received: true };
      return;
    }
    const copy = this.copies.get(step.slaveId);
    if (copy?.epoch === this.home.epoch) this.stored = copy.content;
    this.owe({ volumeId: this.home.id, slaveId: step.slaveId, epoch: this.home.epoch, lost: false });
    this.home = { ...this.home, ...atHome, imageId: newId(now) };
  }

  drop(): void {
    for (const leftover of [...this.leftovers]) {
      const { slaveId, epoch, givenUp } = leftover;
      const holder = this.users.find(({ id }) => id === givenUp?.instanceId) ?? null;
      const step = leftoverStep(leftover, this.home, holder, this.world());
      if (step === null) continue;
      const copy = this.copies.get(slaveId);
      if (step.kind === 'take-up') {
        this.home = homeTakenUp(this.home, leftover, holder, { returnId: newId(this.clock), now: this.clock });
        if (copy?.epoch === epoch) this.written = copy.content;
      } else {
        if ([...this.attached.values()].some((at) => at.slaveId === slaveId && at.epoch <= epoch)) continue;
        if (copy !== undefined && copy.epoch <= epoch) this.copies.delete(slaveId);
      }
      this.leftovers = this.leftovers.filter((each) => each !== leftover);
    }
  }

  private world(): HomeWorld {
    return { isConnected: (id) => !this.gone.has(id), knowsHomes: () => true, isGone: (id) => this.gone.has(id), slaveName: () => 'it', isMigrating: (id) => this.migrating.has(id), instance: (id) => this.users.find((each) => each.id === id) ?? null };
  }

  /** A later debt of the same slave has the earlier ones in it. */
  private owe(leftover: HomeLeftover): void {
    const earlier = this.leftovers.find(({ slaveId }) => slaveId === leftover.slaveId);
    this.leftovers = [...this.leftovers.filter((each) => each !== earlier), { ...leftover, lost: leftover.lost || earlier?.lost === true }];
  }

  /** Its RAM has one open that was given up: it goes on where it is, and nowhere else. */
  private hasGivenUp(id: string): boolean {
    const slaveId = this.users.find((each) => each.id === id)?.slaveId;
    return this.leftovers.some((each) => each.slaveId === slaveId && each.givenUp?.instanceId === id);
  }
}

type Act = readonly [what: 'ask' | 'place' | 'boot' | 'write' | 'stop' | 'delete' | 'off' | 'start' | 'resume' | 'leave' | 'fail' | 'step' | 'drop' | 'die' | 'back' | 'send' | 'decide' | 'save' | 'depart' | 'cold', who: number];
const any = fc.tuple(fc.constantFrom<Act[0]>('ask', 'place', 'boot', 'write', 'write', 'stop', 'delete', 'off', 'start', 'resume', 'leave', 'fail', 'step', 'step', 'drop', 'die', 'back', 'send', 'send', 'decide', 'save', 'depart', 'depart', 'cold'), fc.nat(3));
/** What one of them goes through when nothing comes between. */
const stretch = fc
  .tuple(fc.constantFrom<readonly Act[0][]>(['place', 'boot', 'write'], ['send', 'write', 'decide'], ['save', 'depart', 'start', 'resume', 'place', 'boot', 'write'], ['stop', 'off', 'step', 'step', 'drop', 'start', 'resume', 'boot']), fc.nat(3))
  .map(([whats, who]) => whats.map((what): Act => [what, who]));
const acts = fc.array(fc.oneof(any.map((act) => [act]), stretch), { minLength: 20, maxLength: 80 }).map((list) => list.flat());

function perform(world: World, [what, number]: Act): void {
  const it = world.users[number % Math.max(1, world.users.length)];
  if (what === 'ask') return world.users.length < 4 ? world.change(null, {}) : undefined;
  if (what === 'step') return world.step();
  if (what === 'drop') return world.drop();
  if (it === undefined || it.observed === 'deleted') return;
  const { id, desired, observed, slaveId } = it;
  switch (what) {
    case 'place':
      if (slaveId === null && desired === 'running' && observed !== 'failed') world.change(id, { slaveId: number % 2 === 0 ? slaveA : slaveB, observed: 'preparing' });
      return;
    case 'boot':
      return world.boot(id);
    case 'write':
      return world.write(id);
    case 'stop':
      // What is off afterwards boots.
      if (desired === 'running' && slaveId !== null) world.change(id, { desired: 'stopped', ramImageId: null });
      return;
    case 'delete':
      return world.change(id, { desired: 'deleted', queuedAt: null });
    case 'off':
      return world.off(id);
    case 'send':
      return world.send(id);
    case 'decide':
      return world.decide(id, number < 2);
    case 'save':
      return world.save(id);
    case 'depart':
      return world.depart(id);
    case 'cold':
      if (desired === 'suspended' && slaveId === null) world.change(id, { desired: 'stopped', observed: 'stopped', ramImageId: null, queuedAt: null });
      return;
    case 'start':
      if (desired === 'stopped' || desired === 'suspended') world.change(id, { queuedAt: now });
      return;
    case 'resume':
      if (it.queuedAt !== null && (observed === 'stopped' || observed === 'suspended')) world.change(id, { desired: 'running', queuedAt: null, ...(slaveId === null ? { observed: 'queued' } : {}) });
      return;
    case 'leave':
      // Taken back to a snapshot, say; its guest there ends with it.
      if (!it.booted || slaveId === null || desired === 'deleted' || world.migrating.has(id)) return;
      world.attached.delete(id);
      return world.change(id, { slaveId: null, desired: 'running', observed: 'queued', queuedAt: null, booted: false, ramImageId: null });
    case 'fail':
      if (observed === 'preparing' && !it.booted) world.change(id, { slaveId: null, observed: 'queued' });
      return;
    case 'die':
      // Its guests die with it, or go on unheard.
      if ((number === 3 || number === 2) && world.gone.size === 0) {
        world.gone.add(slaveB);
        for (const [mover, { from }] of [...world.migrating]) world.decide(mover, from === slaveB);
        if (number === 3) for (const [holder, at] of world.attached) if (at.slaveId === slaveB) world.attached.delete(holder);
      }
      return;
    case 'back':
      world.gone.clear();
  }
}

test('whatever people and slaves do: one instance has it at a time, epochs rise, and what was written comes to the store unless its slave died', () => {
  fc.assert(
    fc.property(acts, (list) => {
      const world = new World();
      for (const act of list) {
        perform(world, act);
        // No expectations of the test runner's, which would take ten times the time.
        if ([...world.attached.values()].filter(({ epoch }) => epoch === world.home.epoch).length > 1) throw new Error('two instances have it');
        const holder = world.users.find(({ id }) => id === world.home.instanceId);
        if (world.home.state === 'attached' && (holder === undefined || !holdsHome(holder, world.home))) throw new Error('it is kept for one that does not keep it');
      }
      // Everybody goes home, and what was written last is there.
      for (const { id, observed } of world.users) if (observed !== 'deleted') world.change(id, { desired: 'deleted', queuedAt: null });
      for (const id of [...world.migrating.keys()]) world.decide(id, true);
      for (const { id } of world.users) world.off(id);
      for (let left = 0; left < 8; left += 1) {
        world.step();
        world.drop();
      }
      expect(world.home).toMatchObject({ state: 'stored', instanceId: null, slaveId: null });
      expect(world.stored).toBe(world.written);
      expect([...world.copies.keys()].filter((slave) => !world.gone.has(slave))).toEqual([]);
    }),
    {
      numRuns: 2000,
      examples: [
        // Its slave is given up while the RAM that has it open was to go on there; somebody else asks, and then the RAM goes on elsewhere.
        [[['ask', 0], ['die', 3], ['place', 0], ['boot', 0], ['write', 0], ['save', 1], ['depart', 1], ['start', 1], ['resume', 1], ['place', 1], ['step', 0], ['ask', 0], ['fail', 0], ['place', 0], ['place', 0], ['boot', 1], ['write', 1]]],
        // Its slave is given up before its guest began; back, that begins without it, and then it is found there, where there is nothing.
        [[['ask', 0], ['die', 2], ['place', 1], ['ask', 0], ['step', 0], ['back', 0], ['boot', 0], ['drop', 0], ['send', 1], ['decide', 1]]],
      ],
    },
  );
});
