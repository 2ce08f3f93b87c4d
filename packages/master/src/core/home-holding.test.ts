import { newId } from '@paravcl/shared/ids';
import fc from 'fast-check';
import { concernsHome, holdsHome, homeAfter, type HomeUser } from './home-holding';
import { atHome, newHome, type HomeLeftover, type HomeRecord } from './home-record';
import { homeStep, type HomeWorld } from './home-steps';

const now = 1_700_000_000_000;
const [slaveA, slaveB] = [newId(1), newId(2)];
const base = newHome({ id: newId(3), userId: newId(4), sizeMiB: 64, ownSize: false }, now);
const user = (facts: Partial<HomeUser> = {}): HomeUser => ({ id: newId(5), slaveId: null, desired: 'running', observed: 'requested', queuedAt: null, booted: false, ramImageId: null, ...facts });
const change = (home: HomeRecord, before: HomeUser | null, facts: Partial<HomeUser>, wish: boolean | null = null) => {
  const after = { ...(before ?? user()), ...facts };
  return { after, ...homeAfter(home, before, after, { wish, returnId: newId(now), now }) };
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

/** The guests of a person with the slaves beneath, as far as the home goes: what each slave has, of which epoch, and what was written. */
class World {
  home: HomeRecord = base;
  users: HomeUser[] = [];
  /** By slave: epoch and content of its copy. */
  readonly copies = new Map<string, { epoch: number; content: number }>();
  stored = 0;
  written = 0;
  leftovers: HomeLeftover[] = [];
  /** By instance: what its present definition has, from its last start on. */
  readonly attached = new Map<string, { slaveId: string; epoch: number }>();
  readonly gone = new Set<string>();
  private clock = now;

  change(id: string | null, facts: Partial<HomeUser>): void {
    this.clock += 1;
    const before = id === null ? null : (this.users.find((each) => each.id === id) ?? null);
    const after = { ...(before ?? user({ id: newId(this.clock) })), ...facts };
    this.users = [...this.users.filter((each) => each.id !== after.id), after];
    if (!concernsHome(before, after)) return;
    const epoch = this.home.epoch;
    const outcome = homeAfter(this.home, before, after, { wish: null, returnId: newId(this.clock), now: this.clock });
    this.home = outcome.home;
    if (this.home.epoch < epoch) throw new Error('its epoch fell');
    if (outcome.leftover !== null) this.leftovers.push(outcome.leftover);
    if (outcome.home.state === 'attached' && epoch !== outcome.home.epoch && outcome.home.instanceId !== after.id) throw new Error('it went to another than who changed');
  }

  /** The slave brings the instance up, with what its order says. */
  boot(id: string): void {
    const it = this.users.find((each) => each.id === id);
    if (it?.slaveId == null || it.desired !== 'running' || this.gone.has(it.slaveId) || !['preparing', 'stopped'].includes(it.observed)) return;
    const { state, instanceId, slaveId, epoch } = this.home;
    if (state === 'attached' && instanceId === id && slaveId === it.slaveId) {
      const copy = this.copies.get(slaveId);
      if (copy !== undefined && copy.epoch > epoch) throw new Error('a slave was told an epoch that has passed');
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
    // Exclusive: of all who write, one has the newest epoch, and what others write is of one that was given up.
    if (at.epoch === this.home.epoch) copy.content = this.written = this.written + 1;
  }

  off(id: string): void {
    const it = this.users.find((each) => each.id === id);
    if (it === undefined || (it.desired !== 'stopped' && it.desired !== 'deleted')) return;
    this.attached.delete(id);
    this.change(id, { observed: it.desired });
  }

  /** One step of what brings it back. */
  step(): void {
    const world: HomeWorld = { isConnected: (id) => !this.gone.has(id), knowsHomes: () => true, isGone: (id) => this.gone.has(id), slaveName: () => 'it', instance: (id) => this.users.find((each) => each.id === id) ?? null };
    const step = homeStep(this.home, world);
    if (step === null || step.kind === 'say') return;
    if (step.kind === 'give-up') {
      const { slaveId, epoch } = this.home;
      if (slaveId !== null) this.leftovers.push({ volumeId: this.home.id, slaveId, epoch, lost: true });
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
    this.leftovers.push({ volumeId: this.home.id, slaveId: step.slaveId, epoch: this.home.epoch, lost: false });
    this.home = { ...this.home, ...atHome, imageId: newId(now) };
  }

  drop(): void {
    this.leftovers = this.leftovers.filter(({ slaveId, epoch }) => {
      if (this.gone.has(slaveId)) return true;
      const copy = this.copies.get(slaveId);
      const isUsed = [...this.attached.values()].some((at) => at.slaveId === slaveId && at.epoch <= epoch);
      if (isUsed) return true;
      if (copy !== undefined && copy.epoch <= epoch) this.copies.delete(slaveId);
      return false;
    });
  }
}

type Act = readonly [what: 'ask' | 'place' | 'boot' | 'write' | 'stop' | 'delete' | 'off' | 'start' | 'resume' | 'leave' | 'fail' | 'step' | 'drop' | 'die', who: number];
const acts = fc.array(
  fc.tuple(fc.constantFrom<Act[0]>('ask', 'place', 'boot', 'write', 'write', 'stop', 'delete', 'off', 'start', 'resume', 'leave', 'fail', 'step', 'step', 'drop', 'die'), fc.nat(3)),
  { minLength: 20, maxLength: 120 },
);

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
      if (desired === 'running' && slaveId !== null) world.change(id, { desired: 'stopped' });
      return;
    case 'delete':
      return world.change(id, { desired: 'deleted', queuedAt: null });
    case 'off':
      return world.off(id);
    case 'start':
      if (desired === 'stopped') world.change(id, { queuedAt: now });
      return;
    case 'resume':
      if (it.queuedAt !== null && observed === 'stopped') world.change(id, { desired: 'running', queuedAt: null });
      return;
    case 'leave':
      // Taken back to a snapshot, say; its guest there ends with it.
      if (!it.booted || slaveId === null || desired === 'deleted') return;
      world.attached.delete(id);
      return world.change(id, { slaveId: null, desired: 'running', observed: 'queued', queuedAt: null, booted: false });
    case 'fail':
      if (observed === 'preparing' && !it.booted) world.change(id, { slaveId: null, observed: 'queued' });
      return;
    case 'die':
      // Once, and nobody places anything there again; guests there die with it.
      if (number === 3 && world.gone.size === 0) {
        world.gone.add(slaveB);
        for (const [holder, at] of world.attached) if (at.slaveId === slaveB) world.attached.delete(holder);
      }
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
        if (world.home.state === 'attached' && (holder === undefined || !holdsHome(holder))) throw new Error('it is kept for one that does not keep it');
      }
      // Everybody goes home, and what was written last is there.
      for (const { id, observed } of world.users) if (observed !== 'deleted') world.change(id, { desired: 'deleted', queuedAt: null });
      for (const { id } of world.users) world.off(id);
      for (let left = 0; left < 5; left += 1) {
        world.step();
        world.drop();
      }
      expect(world.home).toMatchObject({ state: 'stored', instanceId: null, slaveId: null });
      expect(world.stored).toBe(world.written);
      expect([...world.copies.keys()].filter((slave) => !world.gone.has(slave))).toEqual([]);
    }),
    { numRuns: 4000 },
  );
});
