import fc from 'fast-check';
import { untouchedPart, type EvacuationPart } from './evacuation-record';
import { evacuationSteps, mostTries, returningSteps, stillResumes, type EvacuatedInstance, type EvacuationWorld } from './evacuation-steps';

const slaveId = 'lab-7';
const evacuation = { slaveId };

const guest = (name: string, more: Partial<EvacuatedInstance> = {}): EvacuatedInstance => ({ name, slaveId, desired: 'running', observed: 'running', generation: 4, observedGeneration: 4, reason: null, queuedAt: null, booted: true, diskEpoch: 1, observedDiskEpoch: 1, ...more });
const saved = { desired: 'suspended', observed: 'suspended' } as const;
const off = { desired: 'stopped', observed: 'stopped' } as const;
const gone = { slaveId: null, desired: 'running', observed: 'queued' } as const;

const partOf = (name: string, more: Partial<EvacuationPart> = {}): EvacuationPart => ({ ...untouchedPart({ operationId: 'op', instanceId: name, instanceName: name }), ...more });

function world(guests: readonly EvacuatedInstance[], more: Partial<EvacuationWorld> = {}): EvacuationWorld {
  return { slaveName: 'lab-pc-07', connected: true, isDead: false, atOnce: 2, instance: (id) => guests.find(({ name }) => name === id) ?? null, move: () => null, ramFitsNowhere: null, ramStaysHere: () => null, returningHomes: [], live: () => ({ kind: 'none', because: null }), arriving: [], ...more };
}
const stepsOf = (guests: readonly EvacuatedInstance[], parts: readonly EvacuationPart[] = guests.map(({ name }) => partOf(name)), more: Partial<EvacuationWorld> = {}) => evacuationSteps(evacuation, parts, world(guests, more));
const told = (outlook: ReturnType<typeof stepsOf>) => outlook.steps.map((step) => ('part' in step ? `${step.kind} ${step.part.instanceId}` : step.kind));

test('two at a time, what disturbs nobody first: what is saved or off moves, then what runs is saved', () => {
  const all = [guest('a'), guest('b', saved), guest('c'), guest('d', off)];
  expect(told(stepsOf(all))).toEqual(['move b', 'move d']);
  expect(told(stepsOf([guest('a'), guest('c', off), guest('e')]))).toEqual(['move c', 'save a']);
  expect(told(stepsOf(all, undefined, { atOnce: 3 }))).toEqual(['move b', 'move d', 'save a']);
});

test('what was saved for it moves before anything new is begun, and what is under way keeps its place', () => {
  const guests = [guest('a', off), guest('b', saved), guest('c', { desired: 'suspended', observed: 'suspending', observedGeneration: 3 })];
  const parts = [partOf('a'), partOf('b', { resumes: 'suspended' }), partOf('c', { resumes: 'suspended' })];
  expect(told(stepsOf(guests, parts))).toEqual(['move b']);
});

test('what left is let go at once, whatever else is under way', () => {
  const guests = [guest('a', { ...saved, slaveId: null }), guest('b', saved)];
  const parts = [partOf('a', { resumes: 'suspended', moveId: 'm' }), partOf('b', { moveId: 'n' })];
  expect(told(stepsOf(guests, parts, { atOnce: 1, move: (id) => ({ state: id === 'n' ? 'pending' : 'done', sentence: '' }) }))).toEqual(['let-go a']);
});

test.each([
  ['boots', guest('a', { observed: 'booting' }), 'a is booting'],
  ['is being prepared', guest('a', { observed: 'preparing' }), 'a is preparing'],
  ['is being saved by its owner', guest('a', { desired: 'suspended', observed: 'suspending' }), 'a is being saved'],
  ['shuts down', guest('a', { desired: 'stopped', observed: 'stopping' }), 'a is shutting down'],
  ['is being deleted', guest('a', { desired: 'deleted', observed: 'running' }), 'a is being deleted'],
  ['has not answered yet why it is as it is', guest('a', { observed: 'suspended', observedGeneration: 3, reason: { code: 'SlaveRefused', sentence: 'It was so before.' } }), 'a is suspended'],
  ['is prepared again after a fault', guest('a', { observed: 'preparing', reason: { code: 'ImageMissing', sentence: 'A mirror is tried again.' } }), 'a is preparing'],
  ['has its time over and is to be saved', guest('a', { desired: 'suspended', reason: { code: 'TimeEnded', sentence: 'Its time is over.' } }), 'a is being saved'],
  ['is lost with its silent host', guest('a', { observed: 'lost', reason: { code: 'SlaveOffline', sentence: 'lab-pc-07 is offline.' } }), 'a is lost until lab-pc-07 answers'],
])('one that %s is waited for', (_what, instance, doing) => {
  expect(stepsOf([instance])).toEqual({ steps: [], sentence: `0 of 1 has left lab-pc-07; ${doing}.` });
});

test('what waits to go on here is taken from the queue, also while it moves: else its move comes to nothing', () => {
  const waiting = guest('a', { ...saved, queuedAt: 5 });
  expect(told(stepsOf([waiting]))).toEqual(['take-from-queue a']);
  expect(told(stepsOf([waiting], [partOf('a', { moveId: 'm' })], { move: () => ({ state: 'pending', sentence: '' }) }))).toEqual(['take-from-queue a']);
});

test('of a slave that was declared dead it says how what is lost with it leaves, and what becomes of the rest', () => {
  const lost = guest('a', { observed: 'lost', reason: { code: 'SlaveOffline', sentence: 'lab-pc-07 is offline.' } });
  expect(stepsOf([lost], undefined, { connected: false, isDead: true })).toEqual({
    steps: [],
    sentence:
      '0 of 1 has left lab-pc-07; a is lost with lab-pc-07. lab-pc-07 was declared dead. What was lost with it, and has a snapshot, starts elsewhere from that: paravcl instances recover NAME. ' +
      'What has none waits until lab-pc-07 is back, or is given up when that is retired by force.',
  });
});

test('nothing is begun while the slave is silent, and it says so', () => {
  expect(stepsOf([guest('a'), guest('b', off)], undefined, { connected: false })).toEqual({ steps: [], sentence: '0 of 2 have left lab-pc-07; 2 are to follow. lab-pc-07 does not answer; it goes on when it does.' });
});

test('it is done when all have left or are gone, and says what waits for room', () => {
  expect(stepsOf([])).toMatchObject({ steps: [{ kind: 'end', state: 'done', sentence: 'lab-pc-07 is empty: it can be switched off.' }] });
  const guests = [guest('a', gone), guest('b', { ...off, slaveId: null }), guest('c', { slaveId: 'lab-8' }), guest('d', { desired: 'deleted', observed: 'deleted' })];
  const outlook = stepsOf(guests, [...guests.map(({ name }) => partOf(name, { state: 'left' })), partOf('removed', { state: 'left' })]);
  expect(outlook).toMatchObject({ steps: [{ kind: 'end', state: 'done', sentence: 'lab-pc-07 is empty: it can be switched off. a waits for room elsewhere.', stays: [] }] });
});

test.each<[string, EvacuatedInstance, Partial<EvacuationPart>, Partial<EvacuationWorld>, string]>([
  ['failed', guest('a', { observed: 'failed', reason: { code: 'DeadlinePassed', sentence: 'a did not boot in time.' } }), {}, {}, 'a did not boot in time. Start it or delete it.'],
  ['lost its domain', guest('a', { observed: 'lost', reason: { code: 'DomainLost', sentence: 'lab-pc-07 has nothing of a any more.' } }), {}, {}, 'lab-pc-07 has nothing of a any more. Start it from what its disk holds, or delete it.'],
  ['was refused', guest('a', off), { refusedAt: 4, sentence: 'a is in the recycle bin. Restore it first.' }, {}, 'a is in the recycle bin. Restore it first.'],
  ['failed to move too often', guest('a', off), { tries: mostTries, moveId: 'm' }, { move: () => ({ state: 'failed', sentence: 'The store is full.' }) }, 'Its move failed 3 times. The store is full.'],
  ['has RAM that fits nowhere', guest('a', saved), { resumes: 'suspended' }, { ramFitsNowhere: 'of lab-pc-08, guests have another processor there' }, 'Its RAM fits no other host: of lab-pc-08, guests have another processor there. It is saved here; once it is stopped, its disk moves without the RAM, and it starts cold elsewhere.'],
  ['runs where its RAM would fit nowhere else', guest('a'), {}, { ramFitsNowhere: 'of lab-pc-08, guests have another processor there' }, 'It runs on: its RAM would fit no other host: of lab-pc-08, guests have another processor there. Stop it, and its disk moves without the RAM; it starts cold elsewhere.'],
  ['is to run and stays saved', guest('a', { observed: 'suspended', reason: { code: 'DiskError', sentence: 'Its RAM cannot be read. Its saved RAM and its disk are kept.' } }), {}, {}, 'It does not go on there: Its RAM cannot be read. Its saved RAM and its disk are kept. Suspend it, and it moves as it is.'],
  ['is to run and stays off', guest('a', { observed: 'stopped', reason: { code: 'LaunchFailed', sentence: 'No such machine. Its disk is kept.' } }), {}, {}, 'It does not go on there: No such machine. Its disk is kept. Stop it, and its disk moves.'],
  ['cannot be stopped while it runs', guest('a', { desired: 'stopped', reason: { code: 'SlaveRefused', sentence: 'libvirt refuses. It is tried again.' } }), {}, {}, 'It cannot be stopped now: libvirt refuses. It is tried again.'],
  ['cannot be stopped while it is saved', guest('a', { desired: 'stopped', observed: 'suspended', reason: { code: 'SlaveRefused', sentence: 'libvirt refuses. It is tried again.' } }), {}, {}, 'It cannot be stopped now: libvirt refuses. It is tried again.'],
  ['cannot be deleted', guest('a', { desired: 'deleted', observed: 'failed', reason: { code: 'SlaveRefused', sentence: 'libvirt refuses.' } }), {}, {}, 'It cannot be deleted now: libvirt refuses.'],
  ['runs where no RAM can be sent', guest('a'), {}, { ramStaysHere: () => 'Update the agent there.' }, 'It runs on. Update the agent there.'],
  ['cannot be saved', guest('a', { desired: 'suspended', reason: { code: 'NotEnoughDisk', sentence: 'The pool has no room for its RAM.' } }), { resumes: 'suspended' }, {}, 'It cannot be saved now: The pool has no room for its RAM.'],
])('one that %s stays, and when nothing else is left it fails, saying why and what to do', (_what, instance, part, more, why) => {
  const parts = [partOf('a', part), partOf('b', { state: 'left' })];
  const { steps } = stepsOf([instance, guest('b', gone)], parts, more);
  expect(steps).toEqual([{ kind: 'end', state: 'failed', sentence: `1 of 2 have left lab-pc-07. Mend this, then evacuate it again. a stays: ${why}`, stays: [{ part: parts[0], why }] }]);
  // While others leave it may be mended.
  expect(stepsOf([instance, guest('b', off)], [partOf('a', part), partOf('b')], more).steps.some(({ kind }) => kind === 'end')).toBe(false);
});

test('one that begins anew and is off has nothing to wait for on its slave, whatever that is slow to do', () => {
  const reset = guest('a', { ...off, observedGeneration: 3, diskEpoch: 2, reason: { code: 'SlaveRefused', sentence: 'The agent is of an earlier release.' } });
  expect(told(stepsOf([reset]))).toEqual(['move a']);
  expect(told(stepsOf([guest('a', { ...reset, observed: 'suspended' })]))).toEqual(['move a']);
  expect(stepsOf([guest('a', { ...reset, observed: 'stopping' })])).toMatchObject({ steps: [], sentence: '0 of 1 has left lab-pc-07; a is shutting down.' });
});

test('a refusal holds for what was refused: with a newer generation its move is asked for again', () => {
  expect(told(stepsOf([guest('a', { ...off, generation: 6, observedGeneration: 6 })], [partOf('a', { refusedAt: 4, sentence: 'no' })]))).toEqual(['move a']);
});

test('it is not empty before the home volumes that were used there are in the store; what is in the way of them is said', () => {
  const home = { userName: 'sue', instanceId: 'a', sentence: null };
  const stands = (returningHomes: EvacuationWorld['returningHomes']) => stepsOf([guest('a', gone)], [partOf('a', { state: 'left' })], { returningHomes });
  expect(stands([home])).toEqual({ steps: [], sentence: '1 of 1 has left lab-pc-07; the home volume of sue is still on the way to the store.' });
  expect(stands([{ ...home, sentence: 'The store is full.' }, home]).sentence).toBe('1 of 1 has left lab-pc-07; the home volume of sue, and 1 more, are still on the way to the store: The store is full.');
  expect(stands([]).steps).toMatchObject([{ kind: 'end', state: 'done' }]);
  // Of what stays the home does too, and it is told why.
  const stuck = guest('a', { desired: 'stopped', reason: { code: 'SlaveRefused', sentence: 'libvirt refuses.' } });
  expect(stepsOf([stuck], [partOf('a')], { returningHomes: [home] }).steps).toMatchObject([{ kind: 'end', state: 'failed' }]);
});

test('how it stands is said in words, the first ones by name', () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
  const guests = [guest('a', gone), guest('b', { ...off, slaveId: null }), guest('c', { slaveId: 'lab-8' }), guest('d', { desired: 'suspended', observed: 'suspending' }), guest('e', off), guest('f'), guest('g')];
  const parts = names.map((name) => partOf(name, { state: ['a', 'b', 'c'].includes(name) ? 'left' : 'here', resumes: name === 'd' ? 'suspended' : null }));
  expect(stepsOf(guests, parts).sentence).toBe('3 of 7 have left lab-pc-07; d is being saved, a waits for room elsewhere, and 3 more.');
});

test('what runs moves as it runs where a slave can take it so, in the place of a save; what was tried is saved, saying why', () => {
  const guests = [guest('a'), guest('b'), guest('c'), guest('d', off)];
  const live = (id: string) => (id === 'a' ? ({ kind: 'ready', toSlaveId: 'lab-8', toSlaveName: 'lab-pc-08' } as const) : id === 'b' ? ({ kind: 'none', because: 'The link broke.' } as const) : ({ kind: 'none', because: null } as const));
  expect(stepsOf(guests, undefined, { live, atOnce: 3 }).steps).toEqual([
    { kind: 'move', part: partOf('d') },
    { kind: 'migrate', part: partOf('a'), toSlaveId: 'lab-8' },
    { kind: 'save', part: partOf('b'), because: 'The link broke.' },
  ]);
});

test('one that is on its way as it runs takes a place, whatever is asked of it meanwhile, and is waited for when it is called off', () => {
  const live = (id: string) => (id === 'a' ? ({ kind: 'open', toSlaveName: 'lab-pc-08' } as const) : ({ kind: 'none', because: null } as const));
  for (const more of [{}, { desired: 'stopped', queuedAt: 1 }, { observed: 'lost' }] as const) {
    const guests = [guest('a', more), guest('b')];
    expect(stepsOf(guests, undefined, { live, atOnce: 1 })).toEqual({ steps: [], sentence: '0 of 2 have left lab-pc-07; a moves to lab-pc-08 while it runs, and 1 more.' });
    expect(returningSteps(evacuation, guests.map(({ name }) => partOf(name)), world(guests, { live }))).toEqual([{ kind: 'keep', part: partOf('b') }]);
  }
  expect(told(stepsOf([guest('a', { slaveId: 'lab-8' })], undefined, { live: () => ({ kind: 'none', because: null }) }))).toEqual(['let-go a']);
});

test('a slave to which one still comes as it runs is not empty', () => {
  expect(stepsOf([], undefined, { arriving: ['z'] })).toEqual({ steps: [], sentence: '0 of 0 have left lab-pc-07; z is still on its way here.' });
  expect(told(stepsOf([guest('a', off)], undefined, { arriving: ['z'] }))).toEqual(['move a']);
});

test('called off, what moves is waited for, what left is let go, what did not is kept; then it is closed', () => {
  const guests = [guest('a', saved), guest('b', saved), guest('c', { ...saved, slaveId: null })];
  const parts = [partOf('a', { resumes: 'suspended' }), partOf('b', { resumes: 'suspended', moveId: 'm' }), partOf('c', { resumes: 'suspended', moveId: 'n' })];
  const steps = returningSteps(evacuation, parts, world(guests, { move: (id) => ({ state: id === 'm' ? 'pending' : 'done', sentence: '' }) }));
  expect(steps.map((step) => ('part' in step ? `${step.kind} ${step.part.instanceId}` : step.kind))).toEqual(['keep a', 'let-go c']);
  expect(returningSteps(evacuation, parts.map((part) => ({ ...part, state: 'stayed' as const })), world(guests))).toEqual([{ kind: 'close' }]);
});

/** What one instance is in the model: what its owner wants of it, what is, and what was done for it. */
interface Modelled {
  instance: EvacuatedInstance;
  part: EvacuationPart;
  wants: 'running' | 'suspended' | 'stopped';
  /** Of its move that is under way: the generation it was begun under. */
  movesAt: number | null;
  lastMove: 'pending' | 'done' | 'failed' | null;
  /** How often it was made to go on elsewhere. */
  wentOn: number;
  deleted: boolean;
}

type Happening = 'saved' | 'boots' | 'moved' | 'move-fails' | 'resume' | 'stop' | 'delete' | 'cannot-save' | 'cannot-go-on' | 'cannot-stop' | 'breaks';
type Act = { readonly kind: Happening; readonly who: number } | { readonly kind: 'cut' | 'back' };
const happenings: readonly Happening[] = ['saved', 'saved', 'boots', 'moved', 'moved', 'move-fails', 'resume', 'stop', 'delete', 'cannot-save', 'cannot-go-on', 'cannot-stop', 'breaks'];
const act: fc.Arbitrary<Act> = fc.oneof(fc.record({ who: fc.nat({ max: 7 }), kind: fc.constantFrom(...happenings) }), fc.record({ kind: fc.constantFrom('cut' as const, 'back' as const) }));
const beginnings = { running: {}, booting: { observed: 'booting' }, suspended: saved, stopped: off, waiting: { ...off, queuedAt: 1 } } as const;

test('whatever happens meanwhile, it ends; nothing runs that should not, what ran goes on once, and no more than allowed is under way', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...(Object.keys(beginnings) as (keyof typeof beginnings)[])), { maxLength: 8 }), fc.integer({ min: 1, max: 3 }), fc.array(fc.array(act, { maxLength: 4 }), { maxLength: 25 }), (begin, atOnce, script) => {
      const all = begin.map((how, at): Modelled => ({
        instance: guest(`i${at}`, beginnings[how]), part: partOf(`i${at}`), wants: how === 'suspended' || how === 'stopped' ? how : 'running', movesAt: null, lastMove: null, wentOn: 0, deleted: false,
      }));
      let connected = true;
      for (let round = 0; round < 400; round += 1) {
        const acts = script[round] ?? [];
        for (const one of acts) {
          if ('who' in one) happens(all[one.who], one.kind, connected);
          else connected = one.kind === 'back';
        }
        if (round >= script.length) {
          connected = true;
          // Left alone, everything comes to its end.
          for (const one of all) for (const kind of ['boots', 'saved', 'moved'] as const) happens(one, kind, true);
        }
        const { steps, sentence } = evacuationSteps(evacuation, all.map(({ part }) => part), {
          slaveName: 'lab-pc-07', connected, isDead: false, atOnce, ramFitsNowhere: null, ramStaysHere: () => null, returningHomes: [], live: () => ({ kind: 'none', because: null }), arriving: [],
          instance: (id) => all.find(({ instance }) => instance.name === id)?.instance ?? null,
          move: (id) => { const state = all.find(({ instance }) => instance.name === id)?.lastMove ?? null; return state === null ? null : { state, sentence: 'It went wrong.' }; },
        });
        expect(sentence.length).toBeLessThanOrEqual(1000);
        for (const step of steps) {
          if (step.kind === 'end') return ends(all, step.state, step.stays.map(({ part }) => part.instanceId));
          if (step.kind === 'close') throw new Error('It was not called off.');
          if (step.kind === 'migrate') throw new Error('Nothing could take it as it runs.');
          takes(all, step.kind, step.part.instanceId, connected);
        }
        // One that cannot be saved now runs on, and takes no place meanwhile.
        const inFlight = all.filter(({ instance, part, lastMove }) => instance.slaveId === slaveId && (lastMove === 'pending' || (part.resumes === 'suspended' && instance.desired === 'suspended' && instance.observed === 'running' && instance.reason === null)));
        expect(inFlight.length).toBeLessThanOrEqual(atOnce);
      }
      throw new Error('It did not end.');
    }),
    { numRuns: 400 },
  );
});

/** What slaves and owners do. */
function happens(one: Modelled | undefined, kind: Happening, connected: boolean): void {
  if (one === undefined || one.deleted || one.instance.slaveId !== slaveId) return;
  const { instance } = one;
  const { desired, observed, generation } = instance;
  const become = (change: Partial<EvacuatedInstance>): void => void (one.instance = { ...instance, ...change });
  const is = `${desired} ${observed}`;
  switch (kind) {
    case 'boots':
      if (connected && is === 'running booting') become({ observed: 'running', observedGeneration: generation });
      return;
    case 'saved':
      if (connected && is === 'suspended running') become({ observed: 'suspended', observedGeneration: generation, reason: null });
      // What is off already is said to be under the newer order, too.
      if (connected && desired === 'stopped') become({ observed: 'stopped', observedGeneration: generation });
      return;
    case 'cannot-save':
      if (connected && is === 'suspended running') become({ observedGeneration: generation, reason: { code: 'NotEnoughDisk', sentence: 'No room.' } });
      return;
    case 'cannot-go-on':
      if (connected && is === 'running booting') become({ observed: 'stopped', observedGeneration: generation, reason: { code: 'DiskError', sentence: 'Its disk is broken.' } });
      return;
    case 'cannot-stop':
      if (connected && desired === 'stopped' && (observed === 'running' || observed === 'suspended')) become({ observedGeneration: generation, reason: { code: 'SlaveRefused', sentence: 'It is tried again.' } });
      return;
    case 'breaks':
      if (observed === 'booting') become({ observed: 'failed', observedGeneration: generation });
      return;
    case 'moved': {
      if (one.lastMove !== 'pending' || !connected) return;
      const still = one.movesAt === generation && instance.queuedAt === null && desired === observed;
      one.lastMove = still ? 'done' : 'failed';
      if (still) become({ slaveId: null, generation: generation + 2, observedGeneration: generation + 2 });
      return;
    }
    case 'move-fails':
      if (one.lastMove === 'pending') one.lastMove = 'failed';
      return;
    case 'resume':
      if ((is === 'suspended suspended' || is === 'stopped stopped') && instance.queuedAt === null) become({ queuedAt: 9 });
      else return;
      one.wants = 'running';
      return;
    case 'stop':
      if (desired === 'stopped' || observed === 'failed') return;
      become({ desired: 'stopped', generation: generation + 1, queuedAt: null });
      one.wants = 'stopped';
      return;
    case 'delete':
      become({ desired: 'deleted', observed: 'deleted', generation: generation + 1, queuedAt: null });
      one.deleted = true;
      if (one.lastMove === 'pending') one.lastMove = 'failed';
  }
}

/** What a step does in the books. */
function takes(all: readonly Modelled[], kind: 'save' | 'take-from-queue' | 'move' | 'let-go' | 'keep', id: string, connected: boolean): void {
  const one = all.find(({ instance }) => instance.name === id);
  if (one === undefined) throw new Error(`${id} is none of it.`);
  const { instance, part } = one;
  const { desired, observed } = instance;
  switch (kind) {
    case 'save':
      expect([desired, observed, instance.slaveId, connected]).toEqual(['running', 'running', slaveId, true]);
      one.instance = { ...instance, desired: 'suspended', generation: instance.generation + 1 };
      one.part = { ...part, resumes: 'suspended', tries: 0, moveId: null, refusedAt: null };
      one.lastMove = null;
      return;
    case 'take-from-queue':
      expect(instance.queuedAt).not.toBeNull();
      one.instance = { ...instance, queuedAt: null };
      one.part = { ...part, resumes: desired === 'suspended' ? 'suspended' : 'stopped' };
      return;
    case 'move':
      expect([desired === 'suspended' || desired === 'stopped', observed, instance.queuedAt, one.lastMove === 'pending', connected]).toEqual([true, desired, null, false, true]);
      one.movesAt = instance.generation;
      one.lastMove = 'pending';
      one.part = { ...part, moveId: id, tries: part.tries + 1, resumes: stillResumes(part, instance) ? part.resumes : null };
      return;
    case 'let-go':
      expect([instance.slaveId !== slaveId || one.deleted, part.state]).toEqual([true, 'here']);
      if (!one.deleted && stillResumes(part, instance)) {
        one.wentOn += 1;
        one.instance = { ...instance, desired: 'running', observed: 'queued' };
      }
      one.part = { ...part, state: 'left' };
      return;
    case 'keep':
      throw new Error('It was not called off.');
  }
}

function ends(all: readonly Modelled[], state: 'done' | 'failed', stays: readonly string[]): void {
  const here = all.filter(({ instance, deleted }) => !deleted && instance.slaveId === slaveId).map(({ instance }) => instance.name);
  expect([...stays].sort()).toEqual(here.sort());
  expect(state).toBe(here.length === 0 ? 'done' : 'failed');
  for (const { instance, wants, wentOn, deleted, part } of all) {
    if (deleted || here.includes(instance.name)) expect(wentOn).toBe(0);
    else expect({ of: instance.name, desired: instance.desired, wentOn, state: part.state }).toEqual({ of: instance.name, desired: wants, wentOn: wants === 'running' ? 1 : 0, state: 'left' });
  }
}
