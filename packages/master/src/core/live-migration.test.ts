import fc from 'fast-check';
import { awaitsArrival, type LiveMigration, type MigrationEnd, migrationStep, type MigrationWorld, missesWrites, orderWhile, unarrivedMs } from './live-migration';

const opening: LiveMigration = {
  id: 'm', instanceId: 'i', evacuationId: 'op', fromSlaveId: 'seven', toSlaveId: 'eight', ticket: 't', arrivalGeneration: 5, sentGeneration: null, homeEpoch: null, state: 'opening',
  sourceSaid: null, sourceWhy: null, destinationSaid: null, destinationWhy: null, sentence: null, startedAt: 0, deadlineAt: 1000, endedAt: null,
};
const sending: LiveMigration = { ...opening, state: 'sending', sentGeneration: 6, destinationSaid: 'awaiting' };
const end = (name: string, more: Partial<MigrationEnd> = {}): MigrationEnd => ({ name, connected: true, gone: false, approved: true, ...more });
const guest = { name: 'a', desired: 'running', observed: 'running', generation: 4, observedGeneration: 4, reason: null, slaveId: 'seven' } as const;
const world = (more: Partial<MigrationWorld> = {}): MigrationWorld => ({ instance: guest, source: end('lab-pc-07'), destination: end('lab-pc-08'), wanted: true, unarrivedForMs: 0, now: 10, ...more });
const stays = (why: string, cold = false, said: string | null = null) => ({ kind: 'commit-stayed', why, said, cold });
const silent = { connected: false };
const gone = { connected: false, gone: true };

test('the source is ordered once the destination waits for the guest, which runs, and both are there', () => {
  expect(migrationStep(opening, world())).toEqual({ kind: 'wait' });
  const ready = { ...opening, destinationSaid: 'awaiting' } as const;
  expect(migrationStep(ready, world())).toEqual({ kind: 'order-send' });
  expect(migrationStep(ready, world({ source: end('lab-pc-07', silent) }))).toEqual({ kind: 'wait' });
  expect(migrationStep(ready, world({ destination: end('lab-pc-08', silent) }))).toEqual({ kind: 'wait' });
  expect(migrationStep(ready, world({ instance: { ...guest, observedGeneration: 3 } }))).toEqual({ kind: 'wait' });
});

test.each<[string, Partial<LiveMigration>, Partial<MigrationWorld>, string]>([
  ['the destination cannot take it', { destinationSaid: 'stayed' }, {}, 'lab-pc-08 could not take it.'],
  ['the destination is not ready in time', {}, { now: 1000 }, 'lab-pc-08 was not ready for it in time.'],
  ['it was asked for something else', {}, { instance: { ...guest, desired: 'stopped' } }, 'It was asked for something else.'],
  ['it failed', {}, { instance: { ...guest, observed: 'failed' } }, 'It is failed.'],
  ['its host is put back', {}, { wanted: false }, 'lab-pc-07 is not being emptied any more.'],
  ['the destination is to be emptied, too', {}, { destination: end('lab-pc-08', { approved: false }) }, 'lab-pc-08 takes nothing new any more.'],
  ['it is to be deleted', {}, { instance: { ...guest, desired: 'deleted' } }, 'It is deleted.'],
  ['the destination is declared dead', {}, { destination: end('lab-pc-08', gone) }, 'lab-pc-08 is gone.'],
])('until the source is ordered it ends when %s', (_what, more, around, why) => {
  expect(migrationStep({ ...opening, ...more }, world(around))).toEqual(stays(why));
});

test('what a slave says of it is told apart from what became of it, whose owner has no use for the words of a tool', () => {
  const destinationWhy = 'It was not taken: the simulated driver takes no guest that runs.';
  expect(migrationStep({ ...opening, destinationSaid: 'stayed', destinationWhy }, world())).toEqual(stays('lab-pc-08 could not take it.', false, `lab-pc-08 says: ${destinationWhy}`));
  const sourceWhy = 'It was not sent: virsh migrate: error: unsupported configuration';
  expect(migrationStep({ ...sending, sourceSaid: 'stayed', sourceWhy }, world())).toEqual(stays('lab-pc-07 could not send it.', false, `lab-pc-07 says: ${sourceWhy}`));
});

test('it is committed once the source has sent it and it has arrived, and not by one of them alone', () => {
  expect(migrationStep({ ...sending, sourceSaid: 'sent', destinationSaid: 'arrived' }, world())).toEqual({ kind: 'commit-moved' });
  expect(migrationStep({ ...sending, sourceSaid: 'sending', destinationSaid: 'arrived' }, world())).toEqual({ kind: 'wait' });
  expect(migrationStep({ ...sending, sourceSaid: 'sent' }, world())).toEqual({ kind: 'wait' });
});

test('a source that is silent is waited for, whatever the time and whatever is asked meanwhile', () => {
  const around = world({ source: end('lab-pc-07', silent), wanted: false, now: 1e9, instance: { ...guest, desired: 'stopped', generation: 9 } });
  for (const destinationSaid of ['awaiting', 'arrived', 'stayed'] as const) expect(migrationStep({ ...sending, destinationSaid }, around)).toEqual({ kind: 'wait' });
  expect(migrationStep({ ...sending, sourceSaid: 'stayed', sourceWhy: 'The link broke.', destinationSaid: 'arrived' }, around)).toEqual(stays('lab-pc-07 could not send it.', false, 'lab-pc-07 says: The link broke.'));
});

test('sent and not arrived comes back to the disk of the source, once the destination could have said so for its time, or is gone', () => {
  const sent = { ...sending, sourceSaid: 'sent' } as const;
  expect(migrationStep(sent, world({ unarrivedForMs: unarrivedMs - 1 }))).toEqual({ kind: 'wait' });
  expect(migrationStep(sent, world({ unarrivedForMs: unarrivedMs }))).toEqual(stays('It did not arrive on lab-pc-08.', true));
  expect(migrationStep(sent, world({ unarrivedForMs: unarrivedMs, destination: end('lab-pc-08', silent) }))).toEqual({ kind: 'wait' });
  expect(migrationStep({ ...sent, destinationSaid: 'arrived' }, world({ destination: end('lab-pc-08', silent) }))).toEqual({ kind: 'commit-moved' });
  expect(migrationStep(sent, world({ destination: end('lab-pc-08', gone) }))).toEqual(stays('lab-pc-08 is gone.', true));
  expect(migrationStep({ ...sent, destinationSaid: 'stayed', destinationWhy: 'QEMU ended.' }, world())).toEqual(stays('lab-pc-08 could not take it.', true, 'lab-pc-08 says: QEMU ended.'));
});

test('of a source that is declared dead it goes on where it has arrived, and nowhere else', () => {
  const dead = world({ source: end('lab-pc-07', gone) });
  expect(migrationStep({ ...sending, destinationSaid: 'arrived' }, dead)).toEqual({ kind: 'commit-moved' });
  expect(migrationStep(sending, dead)).toEqual({ kind: 'wait' });
  expect(migrationStep(sending, { ...dead, unarrivedForMs: unarrivedMs })).toEqual(stays('It did not arrive on lab-pc-08.'));
});

type Order = 'running' | 'sent' | 'received' | 'gone' | null;
interface Host { order: Order; /** The guest, as it is there. */ has: 'runs' | 'stands' | null; connected: boolean; dead: boolean }
type Happening = 'order' | 'prepare' | 'cannot' | 'send' | 'arrive' | 'break-before' | 'lose-on-arrival' | 'tell-source' | 'tell-destination' | 'cut-source' | 'cut-destination' | 'back' | 'master' | 'put-back' | 'kill-source' | 'time';
const happenings: readonly Happening[] = ['order', 'prepare', 'cannot', 'send', 'arrive', 'break-before', 'lose-on-arrival', 'tell-source', 'tell-destination', 'cut-source', 'cut-destination', 'back', 'master', 'put-back', 'kill-source', 'time'];
const ordinary: readonly Happening[] = ['order', 'prepare', 'send', 'arrive', 'tell-source', 'tell-destination', 'master'];

/**
 * Two hosts that do what they are ordered, and a master that does what comes next. What hosts say is told when a test says so, so that
 * the master may know less than is true; an order reaches a host when it is connected.
 */
test('whatever is cut and whenever, never are both ordered to run it, it never runs on both, and it ends when both answer', () => {
  const script = fc.array(fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...ordinary) }, { weight: 1, arbitrary: fc.constantFrom(...happenings) }), { maxLength: 40 });
  const seen = { moved: 0, stayed: 0 };
  fc.assert(
    fc.property(script, (acts) => {
      let books: LiveMigration = { ...opening, deadlineAt: 1_000_000 };
      let wanted = true;
      let [now, askedSince] = [0, null as number | null];
      const source: Host = { order: 'running', has: 'runs', connected: true, dead: false };
      const destination: Host = { order: null, has: null, connected: true, dead: false };
      /** What is true of the migration at each host, whether told or not. */
      const truth: { source: LiveMigration['sourceSaid']; destination: LiveMigration['destinationSaid'] } = { source: null, destination: null };

      const look = (): void => {
        if (books.state !== 'opening' && books.state !== 'sending') return;
        const ends = { source: { name: 's', connected: source.connected, gone: source.dead, approved: false }, destination: { name: 'd', connected: destination.connected, gone: false, approved: true } };
        askedSince = destination.connected && awaitsArrival(books, ends) ? (askedSince ?? now) : null;
        const step = migrationStep(books, { ...ends, instance: guest, wanted, unarrivedForMs: askedSince === null ? 0 : now - askedSince, now });
        if (step.kind === 'order-send') books = { ...books, state: 'sending', sentGeneration: 6 };
        if (step.kind === 'commit-moved') {
          if (books.destinationSaid !== 'arrived' || (books.sourceSaid !== 'sent' && !source.dead)) throw new Error('It was committed before both had said so.');
          books = { ...books, state: 'moved' };
        }
        if (step.kind === 'commit-stayed') books = { ...books, state: 'stayed' };
      };
      /** What the books have each host told now. */
      const orders = (): readonly [Order, Order] => {
        if (books.state === 'moved') return ['gone', 'running'];
        if (books.state === 'stayed') return ['running', 'gone'];
        const [one, other] = [orderWhile(books, 'seven'), orderWhile(books, 'eight')];
        return [one === 'own' ? 'running' : one, other === 'own' ? null : other];
      };
      const obey = (): void => {
        const [one, other] = orders();
        if (source.connected && !source.dead) source.order = one;
        if (destination.connected && other !== null) destination.order = other;
        if (source.order === 'running') source.has = 'runs';
        if (source.order === 'gone') source.has = null;
        if (destination.order === 'running') destination.has = 'runs';
        if (destination.order === 'gone') destination.has = null;
      };
      const act = (one: Happening): void => {
        const canSend = source.order === 'sent' && truth.source === null && destination.order === 'received' && truth.destination === 'awaiting' && source.connected && destination.connected && !source.dead;
        switch (one) {
          case 'order': return obey();
          case 'prepare': if (destination.order === 'received' && truth.destination === null) truth.destination = 'awaiting'; return;
          case 'cannot': if (destination.order === 'received' && truth.destination === null) truth.destination = 'stayed'; return;
          case 'send': if (canSend) { truth.source = 'sending'; } return;
          case 'arrive': if (truth.source === 'sending' && truth.destination === 'awaiting' && source.order === 'sent') { truth.source = 'sent'; source.has = null; truth.destination = 'arrived'; destination.has = 'stands'; } return;
          // It stays, running, where it is.
          case 'break-before': if (source.order === 'sent' && truth.source !== 'sent') truth.source = 'stayed'; return;
          case 'lose-on-arrival': if (truth.destination === 'arrived' && destination.order === 'received') { truth.destination = 'stayed'; destination.has = null; } return;
          case 'tell-source': if (source.connected && !source.dead && source.order === 'sent' && books.state === 'sending') books = { ...books, sourceSaid: truth.source }; return;
          case 'tell-destination': if (destination.connected && destination.order === 'received' && (books.state === 'opening' || books.state === 'sending')) books = { ...books, destinationSaid: truth.destination }; return;
          case 'cut-source': source.connected = false; return;
          case 'cut-destination': destination.connected = false; return;
          case 'back': source.connected = !source.dead; destination.connected = true; return;
          case 'master': return look();
          case 'put-back': wanted = false; return;
          // Whoever says so knows that nothing of it runs any more.
          case 'kill-source': if (!source.connected) { source.dead = true; source.has = null; } return;
          case 'time': now += 20_000; return;
        }
      };
      const check = (): void => {
        if (orders().every((order) => order === 'running')) throw new Error('Both are ordered to run it.');
        if (source.has === 'runs' && destination.has === 'runs') throw new Error('It runs on both.');
      };
      for (const one of acts) {
        act(one);
        check();
      }
      // Everybody answers from now on.
      for (let round = 0; round < 12; round += 1) {
        for (const one of ['back', 'order', 'prepare', 'send', 'arrive', ...(source.order === 'sent' && truth.source === null && truth.destination !== 'awaiting' ? (['break-before'] as const) : []), 'tell-source', 'tell-destination', 'time', 'master', 'order'] as const) {
          act(one);
          check();
        }
      }
      if (books.state !== 'moved' && books.state !== 'stayed') throw new Error(`It did not end: ${JSON.stringify({ books, truth, source, destination })}`);
      seen[books.state] += 1;
    }),
    { numRuns: 3000 },
  );
  expect(seen.moved).toBeGreaterThan(100);
  expect(seen.stayed).toBeGreaterThan(100);
});

test.each([
  ['kvm', '7.2.22', false], ['qemu', '7.2.22', true], ['qemu', '8.2.1', true], ['qemu', null, true], ['qemu', '9.0.0', false], ['qemu', '10.1.2', false], ['simulated', null, false],
] as const)('of a guest under %s, QEMU %s, that something it writes on the way may be missing is %s', (kind, qemu, misses) => {
  expect(missesWrites({ kind, qemu })).toBe(misses);
});
