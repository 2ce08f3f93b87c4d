import { systemClock, type Clock } from '@paravcl/shared/clock';
import type { Principal } from '@paravcl/shared/domain/people';
import { newId } from '@paravcl/shared/ids';
import type { UnitOfWork } from '../../src/db/unit-of-work';
import type { HostInstallRecord } from '../../src/repositories/host-install-repository';
import { HostInstallFault, type HostConnection, type HostPlace } from '../../src/services/host-install-ports';
import type { InstallStep } from '../../src/services/host-install-runner';
import { HostInstallRuns, type HostInstallRequest } from '../../src/services/host-install-runs';
import { HostVisit } from '../../src/services/host-visit';
import { eventually } from './eventually';
import { openTestDatabase, type TestDatabase } from './test-database';

/** How the books behave at their n-th write: the database goes away before it, or after it and before it says so. */
interface Fault {
  readonly at: number;
  readonly how: 'before' | 'after';
}

const principal = { userId: newId(Date.now()), userName: 'olga', role: 'operator' } as unknown as Principal;
/** What is tried again after a second is tried again at once. */
const clock: Clock = { ...systemClock, after: (delayMs, run) => systemClock.after(delayMs === 1000 ? 1 : delayMs, run) };
const fine: InstallStep['run'] = () => Promise.resolve({ state: 'done', sentence: 'Done.' });
const step = (name: InstallStep['step'], run = fine): InstallStep => ({ step: name, sentence: `Does ${name}.`, deadlineMs: 60_000, run });
const hangs: InstallStep['run'] = ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(new HostInstallFault('It was given up.'))));
let database: TestDatabase;
let faults: unknown[];
let places = 0;
const made: HostInstallRuns[] = [];

beforeAll(async () => {
  database = await openTestDatabase();
});
beforeEach(() => {
  faults = [];
});
afterEach(async () => {
  for (const runs of made.splice(0)) await runs.stop();
});
afterAll(() => database.close());

/** The books, that fail once. */
function failingOnce({ at, how }: Fault): { readonly unit: UnitOfWork; readonly writes: () => number } {
  let count = 0;
  const write = async <T>(work: () => Promise<T>): Promise<T> => {
    const isIt = (count += 1) === at;
    if (isIt && how === 'before') throw new Error('The database is away.');
    const result = await work();
    if (isIt) throw new Error('The database went away before it answered.');
    return result;
  };
  const { unit } = database;
  const changing = changingBy((...args) => write(() => unit.read.hostInstalls.change(...args)));
  return { unit: Object.assign(changing, { transaction: ((work) => write(() => unit.transaction(work))) as UnitOfWork['transaction'] }), writes: () => count };
}

/** The books, where what is told of an install is written down so. */
function changingBy(change: UnitOfWork['read']['hostInstalls']['change']): UnitOfWork {
  const { unit } = database;
  const hostInstalls = Object.create(unit.read.hostInstalls) as typeof unit.read.hostInstalls;
  hostInstalls.change = change;
  return Object.assign(Object.create(unit) as UnitOfWork, { read: { ...unit.read, hostInstalls } });
}

function runsOn(unit: UnitOfWork, atOnce = 2): HostInstallRuns {
  const keys = { confirm: (_place: HostPlace, fingerprint: string) => Promise.resolve({ fingerprint, replaces: null }), check: () => Promise.resolve(), pin: () => Promise.resolve() };
  const runs = new HostInstallRuns({ unit, clock, atOnce, keys: keys as never, dialler: null as never, release: null as never, onFault: (error) => void faults.push(error) });
  made.push(runs);
  return runs;
}

function request(more: Partial<HostInstallRequest> = {}): HostInstallRequest {
  places += 1;
  const place = { address: `10.1.${Math.floor(places / 250)}.${places % 250}`, resolved: `10.1.${Math.floor(places / 250)}.${places % 250}`, port: 22 };
  return {
    principal, clientAddress: '127.0.0.1', place, id: newId(Date.now()), purpose: 'install', name: null, slaveId: null, choices: null, owner: null, keepPackages: null,
    login: { port: 22, user: 'root', hostKey: `SHA256:${'a'.repeat(43)}`, replaceHostKey: false, credential: { kind: 'password', password: 'secret' } }, ...more,
  };
}

const find = async (id: string): Promise<HostInstallRecord> => {
  const record = await database.unit.read.hostInstalls.find(id);
  if (record === null) throw new Error(`${id} is not in the books.`);
  return record;
};
const ended = (id: string): Promise<HostInstallRecord> =>
  eventually('its end in the books', async () => {
    const record = await find(id);
    return record.state !== 'running' && record;
  });
const eventsOf = async (id: string) => (await database.unit.read.events.page({ kind: 'host-install.', subjectId: id, limit: 100 })).items;
const names = ({ steps }: HostInstallRecord): readonly string[] => steps.filter(({ state }) => state !== 'waiting').map(({ step: name, state }) => `${name} ${state}`);

test.each(['before', 'after'] as const)('whichever write the database goes away %s, once, the books come to the end, and the host can be begun with again', async (how) => {
  // The first time nothing fails: so many writes there are.
  let count = 0;
  for (let at = 0; at <= count; at += 1) {
    const { unit, writes } = failingOnce({ at, how });
    const runs = runsOn(unit);
    const asked = request();
    const steps = () => [step('connect'), step('login')];
    const begun = await runs.begin(asked, steps).catch((error: unknown) => error as Error);
    if (begun instanceof Error) {
      // It did not begin, whatever had been written down.
      expect([at, begun.message]).toEqual([1, expect.stringContaining('database')]);
      if (how === 'after') expect(await ended(asked.id ?? '')).toMatchObject({ state: 'interrupted' });
    } else {
      const record = await ended(begun.id);
      expect([at, record.state, names(record)]).toEqual([at, 'succeeded', ['connect done', 'login done']]);
      expect((await eventsOf(begun.id)).map(({ kind }) => kind).sort()).toEqual(['host-install.began', 'host-install.succeeded']);
    }
    expect(faults.splice(0)).toHaveLength(at < 2 ? 0 : 1);
    if (at === 0) count = writes();
    const again = await runs.begin({ ...asked, id: newId(Date.now()) }, steps);
    expect((await ended(again.id)).state).toBe('succeeded');
  }
  expect(count).toBe(6);
});

test('one whose wait for its turn is not written down has its turn all the same', async () => {
  // The first is written down and says that it connects; the second is written down and says that it waits.
  const { unit } = failingOnce({ at: 4, how: 'before' });
  const runs = runsOn(unit, 1);
  const first = await runs.begin(request(), () => [step('connect', hangs)]);
  await eventually('the first to be at work', async () => (await find(first.id)).steps[0]?.state === 'running');
  const second = await runs.begin(request(), () => [step('connect')]);
  await eventually('its wait to be lost', () => faults.length === 1);
  await runs.cancel(first.id);
  expect((await ended(second.id)).state).toBe('succeeded');
});

test('a row that is under way in the books and nowhere else is ended by whoever cancels it', async () => {
  const other = runsOn(database.unit);
  const { id } = await other.begin(request(), () => [step('connect', hangs)]);
  const runs = runsOn(database.unit);
  expect(await runs.cancel(id)).toBe(true);
  expect(await find(id)).toMatchObject({ state: 'interrupted' });
  expect(await runs.cancel(id)).toBe(false);
});

test('a cancel that comes while the last step is written down says that it came too late', async () => {
  let goOn: () => void = () => undefined;
  let isHeld = false;
  const runs = runsOn(changingBy(async (record, change) => {
    if (change.steps?.[0]?.state === 'done') {
      isHeld = true;
      await new Promise<void>((resolve) => (goOn = resolve));
    }
    return database.unit.read.hostInstalls.change(record, change);
  }));
  const { id } = await runs.begin(request(), () => [step('connect')]);
  await eventually('its last step to be written down', () => isHeld);
  const cancelled = runs.cancel(id);
  goOn();
  expect(await cancelled).toBe(false);
  expect((await find(id)).state).toBe('succeeded');
});

test('what a master finds interrupted when it starts is an event, once, and of nobody', async () => {
  const before = runsOn(database.unit);
  const { id } = await before.begin(request(), () => [step('connect', hangs)]);
  await eventually('it to be at work', async () => (await find(id)).steps[0]?.state === 'running');
  await runsOn(database.unit).recover();
  await runsOn(database.unit).recover();
  const events = await eventsOf(id);
  expect(events.filter(({ kind }) => kind === 'host-install.interrupted')).toEqual([expect.objectContaining({ actor: 'master', actorUserId: null, sentence: expect.stringMatching(/^The installation of 10\.1\.\d+\.\d+ was interrupted/) as string })]);
  await before.stop();
  expect((await eventsOf(id)).map(({ kind }) => kind).sort()).toEqual(['host-install.began', 'host-install.interrupted']);
});

test('cancelling does not wait for a host that hangs; the next at that host waits until nothing of the one before goes on there', async () => {
  const runs = runsOn(database.unit);
  const asked = request();
  let leave: () => void = () => undefined;
  const commands: { readonly command: readonly string[]; readonly timeoutMs: number }[] = [];
  const run: HostConnection['run'] = (command, { timeoutMs }) => {
    commands.push({ command, timeoutMs });
    return new Promise((resolve) => (leave = () => resolve({ code: 0, out: '', err: '' })));
  };
  const connection = { run, close: () => undefined } as unknown as HostConnection;
  const { id } = await runs.begin(asked, (_record, _entry, stay) => [
    step('connect', async (telling) => {
      stay.visit = new HostVisit('10.1.0.1', connection, '/var/tmp/paravcl-install.Ab0');
      return hangs(telling);
    }),
  ]);
  await eventually('it to be at work', async () => (await find(id)).steps[0]?.state === 'running');
  expect(await runs.cancel(id)).toBe(true);
  expect((await find(id)).state).toBe('cancelled');
  await eventually('the directory there to be removed', () => commands.length === 1);
  expect(commands).toEqual([{ command: ['rm', '-rf', '--', '/var/tmp/paravcl-install.Ab0'], timeoutMs: 3000 }]);
  const order: string[] = [];
  const next = runs.begin({ ...asked, id: newId(Date.now()) }, () => [step('connect')]).then((one) => {
    order.push('the next');
    return one;
  });
  await new Promise((resolve) => setImmediate(resolve));
  order.push('the one before');
  leave();
  expect((await ended((await next).id)).state).toBe('succeeded');
  expect(order).toEqual(['the one before', 'the next']);
});

test('a master takes on so many hosts and no more, and says so', async () => {
  const runs = runsOn(database.unit);
  const all = await Promise.all(Array.from({ length: 102 }, () => runs.begin(request(), () => [step('connect', hangs)])));
  const asked = request();
  await expect(runs.begin(asked, () => [step('connect')])).rejects.toMatchObject({ code: 'conflict', message: expect.stringMatching(/^102 hosts are worked on or wait for their turn, as many as this master takes on\./) as string });
  expect(await database.unit.read.hostInstalls.find(asked.id ?? '')).toBeNull();
  await runs.cancel(all[5]?.id ?? '');
  const begun = await eventually('a place for it', () => runs.begin(asked, () => [step('connect', hangs)]).catch(() => null));
  expect(begun.state).toBe('running');
});
