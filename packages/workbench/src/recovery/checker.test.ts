import fc from 'fast-check';
import { judge } from './checker';
import type { Evidence } from './evidence';
import type { GuestTrace } from './guest-trace';
import type { HistoryLine } from './history';
import type { BookedInstance, Books, DomainAtWork, HostPicture, Untouched } from './pictures';

type Resting = 'running' | 'suspended' | 'stopped' | 'deleted';
const restingStates = ['running', 'suspended', 'stopped', 'deleted'] as const;

const idOf = (n: number): string => `0192f0c1-0000-7000-8000-${String(n).padStart(12, '0')}`;
const macOf = (n: number): string => `00:16:3e:00:00:${n.toString(16).padStart(2, '0')}`;
const utc = '2026-11-20T22:00:00.000Z';

interface World {
  history: HistoryLine[];
  books: { -readonly [K in keyof Books]: Books[K][number][] };
  hosts: { -readonly [K in keyof HostPicture]: HostPicture[K] extends readonly (infer T)[] ? T[] : HostPicture[K] }[];
  guests: Map<string, GuestTrace>;
  untouched: Map<string, Untouched>;
  foreign: Map<string, Untouched>;
  twins: string[];
  seenAtWork: Set<string>;
  faults: number;
  paths: Record<string, number>;
  convergences: (number | null)[];
  uncovered: string[];
}

const unmoved = (one: DomainAtWork): Untouched => ({ before: one, after: { ...one } });

/** A site at rest after a run in which all went well: instance n was launched, and brought to its state, each call once. */
function cleanWorld(states: readonly Resting[], hostCount: number): World {
  const hosts: World['hosts'] = Array.from({ length: hostCount }, (_, n) => ({ name: `lab-${String(n)}`, slaveId: `slave-${String(n)}`, domains: [], files: ['instances', 'mirror'], saves: [], dhcp: [], leases: [] }));
  const world: World = {
    history: [],
    books: { slaves: hosts.map(({ slaveId, name }) => ({ id: slaveId, name, liveness: 'online' })), instances: [], operations: [], placements: [], addresses: [], transitions: [] },
    hosts,
    guests: new Map(),
    untouched: new Map(),
    foreign: new Map(),
    twins: [],
    seenAtWork: new Set(),
    faults: 3,
    paths: { 'torn-tail-cut': 1 },
    convergences: [2.5],
    uncovered: [],
  };
  states.forEach((state, n) => {
    const host = hosts[n % hostCount];
    if (host === undefined) throw new Error('no host');
    const id = idOf(n);
    const gone = state === 'deleted';
    const [mac, address] = [macOf(n), `10.0.0.${String(n + 2)}`];
    world.books.instances.push({
      id, name: `i-${String(n)}`, userId: 'u', slaveId: host.slaveId, desired: state, observed: state, generation: 2, observedGeneration: 2,
      reasonCode: null, reasonSentence: null, booted: true, mac: gone ? null : mac, address: gone ? null : address,
    });
    world.books.placements.push({ instanceId: id, slaveId: host.slaveId, state: gone ? 'clean' : 'active' });
    call(world, 'launch', null, id, `op-launch-${String(n)}`);
    world.books.operations.push({ id: `op-launch-${String(n)}`, kind: 'instance.create', instanceId: id, userId: 'u', generation: 1, state: 'done', sentence: 'It runs.' });
    world.books.transitions.push({ instanceId: id, generation: 1, desired: 'running', to: 'requested', reasonCode: null, by: 'user alice' });
    world.books.transitions.push({ instanceId: id, generation: 1, desired: 'running', to: 'running', reasonCode: null, by: `slave ${host.name}` });
    world.guests.set(id, { rest: '', boots: [{ bootId: `b${String(n)}`, first: 1, last: 500, jumps: [], lastMs: 9_900, silentMs: 600 }] });
    world.seenAtWork.add(id);
    if (state !== 'running') {
      const ask = { suspended: 'suspend', stopped: 'stop', deleted: 'delete' }[state] as 'suspend' | 'stop' | 'delete';
      call(world, ask, id, id, `op-${String(n)}`);
      world.books.operations.push({ id: `op-${String(n)}`, kind: `instance.${ask}`, instanceId: id, userId: 'u', generation: 2, state: 'done', sentence: 'So it is.' });
      world.books.transitions.push({ instanceId: id, generation: 2, desired: state, to: 'running', reasonCode: null, by: 'user alice' });
      world.books.transitions.push({ instanceId: id, generation: 2, desired: state, to: state, reasonCode: null, by: `slave ${host.name}` });
    } else world.untouched.set(id, unmoved({ host: host.name, name: `pv-i-${String(n)}`, state: 'running', domId: n + 1, pids: [400 + n] }));
    if (gone) return;
    world.books.addresses.push({ address, mac, instanceId: id });
    host.domains.push({ id, name: `pv-i-${String(n)}`, state: state === 'running' ? 'running' : 'shut off', saved: state === 'suspended', domId: state === 'running' ? n + 1 : null });
    host.files.push(`instances/${id}`, `instances/${id}/overlay.qcow2`, `instances/${id}/seed.iso`);
    if (state === 'suspended') host.saves.push(`pv-i-${String(n)}.save`);
    host.dhcp.push({ mac, address });
    host.leases.push(mac);
  });
  return world;
}

function call(world: World, ask: 'launch' | 'suspend' | 'stop' | 'delete' | 'start', instanceId: string | null, answered: string, operationId: string): void {
  const number = world.history.length + 1;
  world.history.push(
    { call: number, ms: number, utc, kind: 'invoke', client: 'alice', ask, instanceId, key: ask === 'delete' ? null : `key-${String(number)}`, again: null, mustBeRefused: false },
    { call: number, ms: number + 1, utc, kind: 'ok', instanceId: answered, operationId },
  );
}

const evidenceOf = (world: World): Evidence => ({ ...world, workers: new Set(['alice']), requiredAsks: ['launch'], requiredPaths: ['torn-tail-cut'], convergeWithinS: 30, atMs: 10_000 });
const worlds = fc.tuple(fc.array(fc.constantFrom(...restingStates), { minLength: 1, maxLength: 8 }), fc.integer({ min: 2, max: 4 }));

test('a site at rest, where everything was done once, has no violation', () => {
  fc.assert(
    fc.property(worlds, ([states, hosts]) => {
      expect(judge(evidenceOf(cleanWorld(states, hosts)))).toEqual([]);
    }),
  );
});

const instance = (world: World, n: number): BookedInstance => {
  const found = world.books.instances[n];
  if (found === undefined) throw new Error('no such instance');
  return found;
};
const change = (world: World, n: number, to: Partial<BookedInstance>): unknown => (world.books.instances[n] = { ...instance(world, n), ...to });
const host = (world: World, n: number): World['hosts'][number] => {
  const found = world.hosts[n % world.hosts.length];
  if (found === undefined) throw new Error('no such host');
  return found;
};
const drop = <T>(list: T[], which: (item: T) => boolean): void => void list.splice(0, list.length, ...list.filter((item) => !which(item)));
const trace = (world: World, boots: GuestTrace['boots']): unknown => world.guests.set(idOf(0), { rest: '', boots });
const boot = { bootId: 'b', first: 1, last: 500, jumps: [], lastMs: 9_900, silentMs: 600 };

/** What is planted with instance 0, the state it is in, and what the sentence about it must say. */
const planted: readonly (readonly [what: string, state: Resting, plant: (world: World) => unknown, says: RegExp])[] = [
  ['no fault was injected', 'running', (world) => (world.faults = 0), /injected no fault/],
  ['no call of the people at work was acknowledged', 'running', (world) => (world.history = world.history.map((line) => (line.kind === 'invoke' ? { ...line, client: 'keeper' } : line))), /No launch was acknowledged/],
  ['nothing that was acknowledged was done', 'running', (world) => end(world, 'superseded'), /acknowledged requests to launch none was done/],
  ['everything that was acknowledged failed', 'running', (world) => end(world, 'failed'), /operations failed, and no fault of the run/],
  ['a launch that failed and left its disk', 'running', (world) => change(world, 0, { observed: 'failed', booted: false, reasonSentence: 'The image is gone.' }), /failed, but lab-0 keeps the domain pv-i-0, running, instances/],
  ['a failed instance that runs', 'running', (world) => change(world, 0, { observed: 'failed', reasonSentence: 'It could not be read back.' }), /failed, but lab-0 keeps the domain pv-i-0, running/],
  ['a foreign domain that was started again', 'running', (world) => foreign(world, { domId: 10 }), /foreign domain .* was touched/],
  ['a foreign domain that was let go on', 'running', (world) => foreign(world, { state: 'running' }), /foreign domain .* was touched/],
  ['a foreign domain that was never there', 'running', (world) => world.foreign.set('f0e1', { before: null, after: null }), /foreign domain .* was touched/],
  ['a guest saved and restored', 'running', (world) => moved(world, { domId: 77, pids: [977] }), /runs otherwise than before/],
  ['a guest in another process', 'running', (world) => moved(world, { pids: [977] }), /runs otherwise than before/],
  ['a guest that is somewhere else', 'running', (world) => moved(world, { host: 'lab-1' }), /runs otherwise than before/],
  ['a guest that was paused for long', 'running', (world) => trace(world, [{ ...boot, silentMs: 20_000 }]), /did not count for 20 s/],
  ['an untouched guest that was suspended in the books', 'running', (world) => world.books.transitions.push({ instanceId: idOf(0), generation: 1, desired: 'running', to: 'suspending', reasonCode: null, by: 'slave lab-0' }), /was suspending in the books/],
  ['a process that the watch never saw', 'running', (world) => world.seenAtWork.delete(idOf(0)), /never saw its process/],
  ['a path was not taken', 'running', (world) => (world.paths = {}), /path torn-tail-cut was never taken/],
  ['a stage was not met', 'running', (world) => world.uncovered.push('kill-agent × booting'), /No fault met kill-agent × booting/],
  ['two domains on two hosts', 'running', (world) => host(world, 1).domains.push({ id: idOf(0), name: 'pv-i-0', state: 'running', saved: false, domId: 4 }), /lab-1 has the domain pv-i-0/],
  ['two processes at once', 'running', (world) => world.twins.push('Two processes ran 0192 at once.'), /Two processes/],
  ['an orphan overlay', 'deleted', (world) => host(world, 0).files.push(`instances/${idOf(0)}`), /keeps the files instances\/0192/],
  ['an overlay half made', 'running', (world) => host(world, 0).files.push(`instances/.making-${idOf(0)}`), /keeps the files instances\/\.making-/],
  ['a seed of another host’s instance', 'running', (world) => host(world, 1).files.push(`instances/${idOf(0)}`, `instances/${idOf(0)}/seed.iso`), /lab-1 keeps the files/],
  ['half an image', 'running', (world) => host(world, 0).files.push('mirror/images/.doomed-aa', 'mirror/images/.doomed-aa/data'), /an image that was half removed/],
  ['an orphan save file', 'deleted', (world) => host(world, 0).saves.push('pv-i-0.save'), /saved RAM pv-i-0\.save/],
  ['a save file of what runs', 'running', (world) => host(world, 0).saves.push('pv-i-0.save'), /saved RAM pv-i-0\.save/],
  ['an orphan DHCP entry', 'deleted', (world) => host(world, 0).dhcp.push({ mac: macOf(0), address: '10.0.0.2' }), /reserves 10\.0\.0\.2/],
  ['an orphan lease', 'deleted', (world) => host(world, 0).leases.push(macOf(0)), /DHCP lease/],
  ['an address that was not given back', 'deleted', (world) => world.books.addresses.push({ address: '10.0.0.2', mac: macOf(0), instanceId: idOf(0) }), /Address 10\.0\.0\.2 is kept/],
  ['an address that the pool does not know', 'stopped', (world) => drop(world.books.addresses, ({ instanceId }) => instanceId === idOf(0)), /the pool gave it none/],
  ['a running guest without its DHCP entry', 'running', (world) => drop(host(world, 0).dhcp, ({ mac }) => mac === macOf(0)), /reserves nothing/],
  ['a domain that is off although it should run', 'running', (world) => (host(world, 0).domains[0] = { id: idOf(0), name: 'pv-i-0', state: 'shut off', saved: false, domId: null }), /calls its domain shut off/],
  ['saved RAM that is gone', 'suspended', (world) => (host(world, 0).domains[0] = { id: idOf(0), name: 'pv-i-0', state: 'shut off', saved: false, domId: null }), /is suspended in the books/],
  ['a disk that is gone', 'stopped', (world) => drop(host(world, 0).files, (file) => file.endsWith('overlay.qcow2')), /no overlay/],
  ['an instance on its way for ever', 'running', (world) => change(world, 0, { observed: 'booting' }), /should be running and is booting/],
  ['an answer that is still owed', 'stopped', (world) => change(world, 0, { observedGeneration: 1 }), /generation 2, answered 1/],
  ['a failure without a reason', 'running', (world) => change(world, 0, { observed: 'failed' }), /failed, and nothing says why/],
  ['a placement that is never clean', 'deleted', (world) => (world.books.placements[0] = { instanceId: idOf(0), slaveId: 'slave-0', state: 'cleaning' }), /still owes the proof/],
  ['two placements', 'running', (world) => world.books.placements.push({ instanceId: idOf(0), slaveId: 'slave-1', state: 'active' }), /is placed on slave-0 and slave-1/],
  ['a slave that is away', 'running', (world) => (world.books.slaves[0] = { id: 'slave-0', name: 'lab-0', liveness: 'suspect' }), /lab-0 is suspect/],
  ['a pending operation', 'stopped', (world) => (world.books.operations[1] = { id: 'op-0', kind: 'instance.stop', instanceId: idOf(0), userId: 'u', generation: 2, state: 'pending', sentence: 'shutting down' }), /op-0 .* is pending/],
  ['a lost acknowledged request', 'stopped', (world) => drop(world.books.operations, ({ id }) => id === 'op-0'), /operation op-0 is not in the books/],
  ['a lost acknowledged launch', 'deleted', (world) => drop(world.books.instances, ({ id }) => id === idOf(0)), /instance 0192.* is not in the books/],
  ['a lost acknowledged deletion', 'deleted', (world) => change(world, 0, { desired: 'stopped', observed: 'stopped' }), /acknowledged, and the instance is to be stopped/],
  ['a stop that was said to be done and never was', 'stopped', (world) => drop(world.books.transitions, ({ instanceId, to }) => instanceId === idOf(0) && to === 'stopped'), /is done by its operation op-0, and the instance was never stopped/],
  ['a suspend that counts only because it was saved before', 'suspended', (world) => world.books.operations.splice(1, 1, { id: 'op-0', kind: 'instance.suspend', instanceId: idOf(0), userId: 'u', generation: 3, state: 'done', sentence: 'So it is.' }), /was never suspended under that wish/],
  ['a launch that was said to run and never did', 'running', (world) => drop(world.books.transitions, ({ instanceId, to }) => instanceId === idOf(0) && to === 'running'), /was never running under that wish/],
  ['a launch done twice', 'running', (world) => world.books.instances.push({ ...instance(world, 0), id: idOf(99), name: 'i-99', observed: 'deleted', desired: 'deleted', slaveId: null }), /no launch was answered with/],
  ['a verb done twice', 'stopped', (world) => world.books.transitions.push({ instanceId: idOf(0), generation: 3, desired: 'stopped', to: 'running', reasonCode: null, by: 'user alice' }), /made to be stopped 2 times, and 1 requests/],
  ['a second operation for one request', 'suspended', (world) => world.books.operations.push({ id: 'op-again', kind: 'instance.suspend', instanceId: idOf(0), userId: 'u', generation: 2, state: 'done', sentence: 'So it is.' }), /2 operations instance\.suspend, and 1/],
  ['one key, two operations', 'running', (world) => repeat(world, { kind: 'ok', instanceId: idOf(0), operationId: 'op-other' }), /2 operations under one key/],
  ['one key, two instances', 'running', (world) => repeat(world, { kind: 'ok', instanceId: idOf(98), operationId: 'op-launch-0' }), /2 instances under one key/],
  ['acknowledged and then refused', 'running', (world) => repeat(world, { kind: 'fail', code: 'conflict', sentence: 'It is off.' }), /acknowledged and, under the same key, refused/],
  ['a call that nobody answered', 'running', (world) => ask(world, false, { kind: 'unknown', why: 'reset' }), /never answered/],
  ['nonsense that was acknowledged', 'running', (world) => ask(world, true, { kind: 'ok', instanceId: idOf(0), operationId: null }), /had to be refused/],
  ['a counter that began again', 'running', (world) => trace(world, [boot, { ...boot, bootId: 'c', last: 20 }]), /booted 2 times/],
  ['a counter that jumped', 'running', (world) => trace(world, [{ ...boot, jumps: [[300, 1]] }]), /counted 1 after 300/],
  ['a counter that stands still', 'running', (world) => trace(world, [{ ...boot, lastMs: -90_000 }]), /counts no more/],
  ['a guest that never counted', 'running', (world) => world.guests.delete(idOf(0)), /never counted/],
  ['a guest booted instead of read back', 'suspended', (world) => trace(world, [boot, { ...boot, bootId: 'c', last: 20 }]), /booted 2 times, and was started 1/],
  ['a guest that was thought to have switched itself off', 'stopped', (world) => world.books.transitions.push({ instanceId: idOf(0), generation: 2, desired: 'stopped', to: 'stopped', reasonCode: 'StoppedByGuest', by: 'slave lab-0' }), /switched itself off/],
  ['a slow convergence', 'running', (world) => world.convergences.push(31), /31\.0 s/],
  ['no convergence', 'running', (world) => world.convergences.push(null), /never came to rest/],
];

function end(world: World, state: 'failed' | 'superseded'): void {
  world.books.operations = world.books.operations.map((operation) => ({ ...operation, state }));
}

function moved(world: World, to: Partial<DomainAtWork>): void {
  const before = world.untouched.get(idOf(0))?.before;
  if (before == null) throw new Error('nothing was left untouched');
  world.untouched.set(idOf(0), { before, after: { ...before, ...to } });
}

function foreign(world: World, to: Partial<DomainAtWork>): void {
  const before: DomainAtWork = { host: 'lab-1', name: 'somebody-elses', state: 'paused', domId: 9, pids: [31] };
  const after = { ...before, ...to };
  host(world, 1).domains.push({ id: 'f0e1', name: after.name, state: after.state, saved: false, domId: after.domId });
  world.foreign.set('f0e1', { before, after });
}

type End = { kind: 'ok'; instanceId: string | null; operationId: string | null } | { kind: 'fail'; code: string; sentence: string } | { kind: 'unknown'; why: string };

function repeat(world: World, end: End): void {
  world.history.push(
    { call: 900, ms: 900, utc, kind: 'invoke', client: 'alice', ask: 'launch', instanceId: null, key: 'key-1', again: 1, mustBeRefused: false },
    { call: 900, ms: 901, utc, ...end },
  );
}

function ask(world: World, mustBeRefused: boolean, end: End): void {
  world.history.push(
    { call: 900, ms: 900, utc, kind: 'invoke', client: 'alice', ask: 'start', instanceId: idOf(0), key: 'key-900', again: null, mustBeRefused },
    { call: 900, ms: 901, utc, ...end },
  );
}

test.each(planted)('%s is found, whatever else is there', (_, state, plant, says) => {
  fc.assert(
    fc.property(worlds, ([others, hosts]) => {
      const world = cleanWorld([state, ...others], hosts);
      plant(world);
      expect(judge(evidenceOf(world)).join('\n')).toMatch(says);
    }),
    { numRuns: 20 },
  );
});

test('a request that was asked again after its answer was lost is one request', () => {
  const world = cleanWorld(['running'], 2);
  const [invoke, ok] = world.history;
  if (invoke === undefined || ok === undefined) throw new Error('empty history');
  world.history = [invoke, { call: 1, ms: 2, utc, kind: 'unknown', why: 'reset' }, { ...invoke, call: 2, again: 1 } as HistoryLine, { ...ok, call: 2 } as HistoryLine];
  expect(judge(evidenceOf(world))).toEqual([]);
});

test('what was stopped before its guest ever ran has no disk, and misses none', () => {
  const world = cleanWorld(['stopped'], 2);
  change(world, 0, { booted: false });
  drop(host(world, 0).files, (file) => file.startsWith('instances/'));
  drop(host(world, 0).domains, () => true);
  expect(judge(evidenceOf(world))).toEqual([]);
});

test('a foreign domain must be there, and is no stray', () => {
  const world = cleanWorld(['running'], 2);
  foreign(world, {});
  expect(judge(evidenceOf(world))).toEqual([]);
  drop(host(world, 1).domains, ({ id }) => id === 'f0e1');
  expect(judge(evidenceOf(world))).toEqual([expect.stringContaining('foreign domain f0e1 is gone')]);
});
