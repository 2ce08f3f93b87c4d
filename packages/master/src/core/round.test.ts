import fc from 'fast-check';
import { lab } from '../../test/core/any-lab';
import { now, site, type Site } from '../../test/core/any-world';
import type { Given } from './answers';
import { headAfter, headOf, type Head } from './backfill';
import { refusal, type Question } from './feasible';
import { orderingPolicies } from './ordering';
import { nineOClock, rules, room, running, slave, waiting, world } from './small-world.model';
import { preempt, weakestPi, type Lacking } from './preempt';
import { placementPolicies, type PlacementPolicyName } from './rank';
import { asSeen, poolTotals, promised, slaveNow, vacating, type SlaveNow } from './room-now';
import { Round, type RoundSizes } from './round';
import type { WaitingInstance } from './snapshot';
import { compareHarm, harmOf, suspendableOn } from './victims';

/** What asking each slave by itself says, which is what a round must say however it asks. */
function askedEach(slaves: readonly SlaveNow[], question: Question, policy: PlacementPolicyName, lastPlacedOn: string | null) {
  const { instance } = question;
  const asked = slaves.filter(({ view }) => instance.boundTo === null || view.id === instance.boundTo).map((slave) => ({ slave, refused: refusal(slave, question) }));
  const world = { lastPlacedOn, slaves: slaves.map(asSeen) };
  const able = asked
    .filter(({ refused }) => refused === null)
    .map(({ slave }) => slave.view.id)
    .sort((a, b) => placementPolicies[policy].compare(seen(slaves, a), seen(slaves, b), instance, world));
  const own = instance.booking?.slaveId;
  const groups: Given[] = [];
  for (const { refused } of asked) {
    if (refused === null) continue;
    const known = groups.findIndex(({ refusal: { code, passing, room } }) => code === refused.code && passing === refused.passing && room === refused.room);
    const { refusal: first, count } = groups[known] ?? { refusal: refused, count: 0 };
    groups.splice(known < 0 ? groups.length : known, 1, { refusal: first, count: count + 1 });
  }
  const lacking = asked.filter(({ refused }) => refused?.room === true).map(({ slave }) => slave);
  const later = asked.flatMap(({ slave, refused }) => (refused !== null && (refused.room || refused.code === 'KeptForReservation' || refused.code === 'PreparingOthers') ? { slave, code: refused.code } : []));
  return { able: own !== undefined && able.includes(own) ? [own, ...able.filter((id) => id !== own)] : able, groups, lacking, later };
}

const seen = (slaves: readonly SlaveNow[], id: string) => asSeen(slaves.find(({ view }) => view.id === id) as SlaveNow);

const lackingOf = (slaves: readonly SlaveNow[]): Lacking => ({ slaves, rows: Int32Array.from(slaves.keys()), weakestPis: Float64Array.from(slaves, weakestPi) });
const slavesOf = ({ slaves, rows }: Lacking) => Array.from(rows, (row) => slaves[row]);

/** The least harm of all sets, each made. */
function exhaustive(lacking: readonly SlaveNow[], question: Question) {
  const sets = lacking.flatMap((slave) => preempt(lackingOf([slave]), question) ?? []);
  const own = sets.find(({ slaveId }) => slaveId === question.instance.booking?.slaveId);
  return own ?? [...sets].sort((a, b) => compareHarm(harmOf(a), harmOf(b)))[0] ?? null;
}

/** Plays the queue over a round and says of each who waits what it was told, beside what asking each slave says. */
function played({ snapshot, queue, ordering }: Site, policy: PlacementPolicyName, sizes: RoundSizes, each: (round: Round, question: Question, slaves: readonly SlaveNow[]) => void): void {
  const round = new Round(snapshot, placementPolicies[policy], refusal, sizes);
  let slaves = [...snapshot.slaves].sort((a, b) => (a.id < b.id ? -1 : 1)).map(slaveNow);
  const put = (slave: SlaveNow): void => {
    const before = round.get(slave.view.id);
    if (head !== undefined && before !== undefined) head = headAfter(head, before, slave);
    round.put(slave);
    slaves = slaves.map((one) => (one.view.id === slave.view.id ? slave : one));
  };
  let head: Head | undefined;
  const question = (instance: WaitingInstance): Question => ({ instance, pool: round.poolTotals(instance), at: now, rules: snapshot.rules, ordering: orderingPolicies[ordering], head });
  for (const instance of queue) {
    const nominated = slaves.find(({ view }) => view.id === instance.nominatedTo);
    if (nominated !== undefined) put(vacating(nominated, [], instance));
  }
  for (const instance of queue) {
    each(round, question(instance), slaves);
    const answers = round.ask(question(instance));
    const [first] = [...answers.able()];
    if (first === undefined) head ??= headOf(instance, answers.forRoomLater(), slaves, now, snapshot.rules) ?? undefined;
    if (first !== undefined) put(promised(first, instance, now));
    const going = slaves.find((slave) => suspendableOn(slave, now).length > 0);
    if (first === undefined && going !== undefined) put(vacating(going, suspendableOn(going, now).slice(0, 1).map((victim) => victim.instance), instance));
  }
}

describe('a round', () => {
  const question = (round: Round, instance: WaitingInstance): Question => ({ instance, pool: round.poolTotals(instance), at: nineOClock, rules, ordering: orderingPolicies.para });

  it('gives one the room that others left for it, and nobody else', () => {
    const lab = slave('lab-1', { running: [running('there', 4)] });
    const round = new Round(world([lab]), placementPolicies.para, refusal);
    const nominee = waiting('nominee', 4);
    round.put(vacating(slaveNow(lab), [], nominee));
    expect([...round.ask(question(round, nominee)).able()]).toHaveLength(1);
    expect([...round.ask(question(round, waiting('another', 1))).able()]).toHaveLength(0);
  });

  it('asks no more slaves than it takes, the best first', () => {
    const asked: string[] = [];
    const labs = Array.from({ length: 50 }, (_, at) => slave(`lab-${String(at).padStart(2, '0')}`, { running: [running(`g${String(at)}`, 1 + (at % 3))], bookings: [] }));
    const round = new Round(world(labs), placementPolicies.para, (one, what) => {
      asked.push(one.view.id);
      return refusal(one, what);
    });
    const members = waiting('member', 1, { deployment: { id: 'd', name: 'CL II', slaveIds: null, perHostLimit: 2 } });
    const [first] = round.ask(question(round, members)).able();
    expect(first?.view.id).toBe('lab-00');
    expect(asked).toEqual(['lab-00']);
  });

  it('finds the smaller harm among guests of one priority, whichever of them it counts first', () => {
    const ties = [running('a', 1), running('b', 1), running('c', 2, { since: nineOClock - 1000, need: room(2, { ramMiB: 1024 }) }), running('rest', 4, { pi: 9.5 })];
    const slow = [running('d', 2, { need: room(2, { ramMiB: 4096 }) }), running('more', 6, { pi: 9.5 })];
    const round = new Round(world([slave('lab-1', { running: ties }), slave('lab-2', { running: slow })]), placementPolicies.para, refusal);
    const asking = question(round, waiting('strong', 2));
    const answers = round.ask(asking);
    expect([...answers.able()]).toEqual([]);
    expect(preempt(answers.lackRoom(), asking)).toMatchObject({ slaveId: 'lab-1', victims: [{ instance: { id: 'c' } }] });
  });
});

// Fewer than there are slaves, so that lists run short and the order beyond them is asked for, too.
const sizes: fc.Arbitrary<RoundSizes> = fc.record({ atFirst: fc.constantFrom(1, 2, 3), listed: fc.constantFrom(1, 2, 3) });
const someSite = fc.oneof(site, lab);
const policy = fc.constantFrom<PlacementPolicyName>('para', 'para', 'least-loaded', 'round-robin', 'greedy', 'spread');

describe('a round, in any world', () => {
  it('names those that can take an instance, and why the others cannot, as asking each by itself does', () => {
    fc.assert(
      fc.property(someSite, policy, sizes, (world, name, few) => {
        played(world, name, few, (round, question, slaves) => {
          const expected = askedEach(slaves, question, name, world.snapshot.lastPlacedOn);
          const answers = round.ask(question);
          expect([...answers.able()].map(({ view }) => view.id)).toEqual(expected.able);
          expect(answers.given()).toEqual(expected.groups);
          expect(slavesOf(answers.lackRoom())).toEqual(expected.lacking);
          expect(answers.forRoomLater()).toEqual(expected.later);
          if (expected.able.length === 0) expect(preempt(answers.lackRoom(), question)).toEqual(exhaustive(expected.lacking, question));
          expect(answers.answered).toBe(question.instance.boundTo === null ? slaves.length : expected.able.length + expected.groups.reduce((sum, { count }) => sum + count, 0));
        });
      }),
    );
  });

  it('counts the room of the pool as adding up every slave does', () => {
    fc.assert(
      fc.property(site, sizes, (world, few) => {
        played(world, 'para', few, (round, { instance, pool, rules }, slaves) => {
          expect(pool).toEqual(poolTotals(slaves, rules, instance));
          expect(round.poolTotals({ id: '', type: 'AR', booking: null })).toEqual(poolTotals(slaves, rules, { id: '', type: 'AR', booking: null }));
        });
      }),
    );
  });

  it('has those give way that making every set would choose', () => {
    fc.assert(
      fc.property(someSite, sizes, (world, few) => {
        played(world, 'para', few, (_round, question, slaves) => {
          const { lacking, able } = askedEach(slaves, question, 'para', null);
          if (able.length === 0) expect(preempt(lackingOf(lacking), question)).toEqual(exhaustive(lacking, question));
        });
      }),
    );
  });
});
