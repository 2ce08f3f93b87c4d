import fc from 'fast-check';
import { lab } from '../../test/core/any-lab';
import { minuteMs, now, policies, site, type Site } from '../../test/core/any-world';
import { withGuest } from './joined-guests';
import { KeptRound } from './kept-round';
import { plan, type Decision, type Policies } from './plan';
import { placementPolicies, type PlacementPolicyName } from './rank';
import { running } from './small-world.model';
import type { SlaveView, Snapshot } from './snapshot';

/** What happens between two plans: some slaves have news, some come or go, time passes or is set back. */
interface Step {
  readonly site: Site;
  /** Of each slave: nothing is new; some facts are, those of the other site; all are; it is not there. */
  readonly news: readonly ('none' | 'some' | 'all' | 'gone')[];
  readonly facts: readonly (keyof SlaveView)[];
  readonly keepsRules: boolean;
  readonly saveOverheadMs: number;
  readonly placement: PlacementPolicyName;
  readonly minutes: number;
}

const news = fc.constantFrom<Step['news'][number]>('none', 'none', 'none', 'none', 'some', 'all');
const stepOf = (any: fc.Arbitrary<Site>): fc.Arbitrary<Step> =>
  fc.record({
    site: any,
    news: fc.oneof({ weight: 5, arbitrary: fc.array(news, { minLength: 9, maxLength: 9 }) }, { weight: 1, arbitrary: fc.array(fc.oneof(news, fc.constant('gone' as const)), { minLength: 9, maxLength: 9 }) }),
    facts: fc.subarray<keyof SlaveView>(['name', 'saveMiBPerSecond', 'poolAvailableMiB', 'capacity', 'promised', 'running', 'bookings', 'admission', 'liveness', 'troubles', 'contributing']),
    keepsRules: fc.constantFrom(true, true, true, false),
    saveOverheadMs: fc.constantFrom(10_000, 60_000),
    placement: fc.constantFrom<PlacementPolicyName>('para', 'para', 'para', 'least-loaded', 'greedy', 'spread', 'round-robin'),
    minutes: fc.integer({ min: -40, max: 90 }),
  });

function after(before: Snapshot, { site: { snapshot }, news: all, facts, keepsRules, saveOverheadMs }: Step): Snapshot {
  const ids = [...new Set([...before.slaves, ...snapshot.slaves].map(({ id }) => id))];
  const slaves = ids.flatMap((id, index) => {
    const [old, other] = [before, snapshot].map((one) => one.slaves.find((view) => view.id === id));
    const what = all[index] ?? 'none';
    if (what === 'gone') return [];
    if (old === undefined || other === undefined || what === 'none') return old ?? (what === 'all' ? (other ?? []) : []);
    return what === 'all' ? other : { ...old, ...Object.fromEntries(facts.map((fact) => [fact, other[fact]])) };
  });
  return { ...snapshot, slaves, rules: keepsRules ? before.rules : { ...snapshot.rules, saveOverheadMs } };
}

/** Plans over what became of the first site, kept and anew. */
function holdsOver(any: fc.Arbitrary<Site>, numRuns: number): void {
  const steps = fc.array(stepOf(any), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(any, steps, fc.constantFrom(1, 2, 3, 64), fc.constantFrom(1, 2), fc.constantFrom(0.25, 1), (first, all, listed, atFirst, renewedAtMost) => {
      const kept = new KeptRound(renewedAtMost, { atFirst, listed });
      let { snapshot } = first;
      for (const each of all) {
        const { site: { queue, ordering }, placement, minutes } = each;
        snapshot = after(snapshot, each);
        const chosen: Policies = { ordering: policies[ordering].ordering, placement: placementPolicies[placement] };
        const at = now + minutes * minuteMs;
        // Of other values, so that nothing that is remembered of a view is shared.
        const expected = plan(structuredClone(snapshot), queue, chosen, at);
        expect(plan(snapshot, queue, chosen, at, kept)).toEqual(expected);
        expect(plan(snapshot, queue, chosen, at, kept)).toEqual(expected);
      }
    }),
    { numRuns: fc.readConfigureGlobal().numRuns ?? numRuns },
  );
}

/** What becomes of what one plan promised: of each placement, whether it came true; and of each slave, whether its disk has news. */
interface Outcome {
  readonly site: Site;
  readonly cameTrue: readonly boolean[];
  readonly diskNews: readonly boolean[];
}

const outcomeOf = (any: fc.Arbitrary<Site>): fc.Arbitrary<Outcome> =>
  fc.record({
    site: any,
    cameTrue: fc.array(fc.constantFrom(true, true, true, false), { minLength: 12, maxLength: 12 }),
    diskNews: fc.array(fc.constantFrom(false, false, false, true), { minLength: 9, maxLength: 9 }),
  });

/** The slaves once that became of it, guests joined one by one. */
function withOutcome(slaves: readonly SlaveView[], decisions: readonly Decision[], { cameTrue, diskNews }: Outcome, step: number): readonly SlaveView[] {
  const placed = decisions.filter((decision) => decision.kind === 'place').filter((_, index) => cameTrue[index] ?? true);
  return slaves.map((view, index) => {
    const guests = placed.filter(({ slaveId }) => slaveId === view.id).map(({ instance: { id, type, need, priority: { pi } } }) => running(`${id} of ${step}`, need.vcpus, { type, need, pi, observed: 'preparing' }));
    const after = guests.reduce(withGuest, view);
    return diskNews[index] === true ? { ...after, poolAvailableMiB: Math.max(0, after.poolAvailableMiB - 1024) } : after;
  });
}

describe('a round that is kept', () => {
  it('has the same plans as one that is made anew, whatever happened between them in a lab', () => { holdsOver(lab, 100); });

  it('has the same plans in any world at all', () => { holdsOver(site, 60); });

  it('has the same plans when what it promised came true, or some of it did, in a lab', () => {
    let comparedAfterPlacing = 0;
    fc.assert(
      fc.property(lab, fc.array(outcomeOf(lab), { minLength: 2, maxLength: 6 }), fc.constantFrom<PlacementPolicyName>('para', 'least-loaded', 'greedy', 'spread', 'round-robin'), fc.constantFrom(1, 3, 64), ({ snapshot: first, ordering }, outcomes, placement, listed) => {
        const kept = new KeptRound(1, { atFirst: 1, listed });
        const chosen: Policies = { ordering: policies[ordering].ordering, placement: placementPolicies[placement] };
        let [snapshot, hasPlaced] = [first, false];
        for (const [step, outcome] of outcomes.entries()) {
          const { site: { queue } } = outcome;
          const plans = plan(snapshot, queue, chosen, now, kept);
          expect(plans).toEqual(plan(structuredClone(snapshot), queue, chosen, now));
          if (hasPlaced) comparedAfterPlacing++;
          hasPlaced ||= plans.decisions.some(({ kind }) => kind === 'place');
          snapshot = { ...snapshot, slaves: withOutcome(snapshot.slaves, plans.decisions, outcome, step) };
        }
      }),
      { numRuns: fc.readConfigureGlobal().numRuns ?? 60 },
    );
    expect(comparedAfterPlacing).toBeGreaterThan(0);
  });

  it('takes nothing for true of a plan that failed half way', () => {
    fc.assert(
      fc.property(lab, fc.nat({ max: 30 }), ({ snapshot, queue, ordering }, failsAfter) => {
        let asked = 0;
        const { para } = placementPolicies;
        const failing = (): void => { if (asked++ === failsAfter) throw new Error('The policy failed.'); };
        const policy = { ...para, keys: (view: SlaveView, type: 'BE' | 'AR') => { failing(); return para.keys?.(view, type) ?? []; } };
        const chosen: Policies = { ordering: policies[ordering].ordering, placement: policy };
        const kept = new KeptRound(1);
        const views = snapshot.slaves.map((view, index) => (index % 2 === 0 ? view : { ...view, capacity: { ...view.capacity, vcpus: 2 } }));
        for (const slaves of [snapshot.slaves, views, snapshot.slaves]) {
          try { plan({ ...snapshot, slaves }, queue, chosen, now, kept); } catch { /* The next is as if it had not been. */ }
        }
        asked = failsAfter + 1;
        expect(plan(snapshot, queue, chosen, now, kept)).toEqual(plan(structuredClone(snapshot), queue, policies[ordering], now));
      }),
    );
  });
});
