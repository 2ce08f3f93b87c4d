import type { ObservedState } from '@paravcl/shared/domain/instance-state';
import fc from 'fast-check';
import { agingOf, idleSinceAfter, liesUnused, type AgingFacts, type AgingPolicy } from './aging';
import { neverUnused } from './instance-record';

const dayMs = 86_400_000;
const hourMs = 3_600_000;
const start = Date.parse('2026-03-02T08:00:00.000Z');
const policy: AgingPolicy = { suspendedMs: 60 * dayMs, stoppedMs: 90 * dayMs, noticeMs: 7 * dayMs, recycleMs: 7 * dayMs };

/** Off since the start, its slave has said so, and nobody asked for it. */
const off: AgingFacts = {
  observed: 'stopped', desired: 'stopped', slaveId: 'slave-1', diskImageId: null, generation: 4, observedGeneration: 4, reason: null, reservationId: null, queuedAt: null,
  changedAt: start, ...neverUnused, idleSince: start,
};
const after = (days: number): number => start + days * dayMs;

const days = (max: number) => fc.integer({ min: 1, max: max * 24 }).map((hours) => hours * hourMs);
const policies: fc.Arbitrary<AgingPolicy> = fc.record({
  suspendedMs: fc.option(days(100)),
  stoppedMs: fc.option(days(100)),
  noticeMs: fc.oneof(fc.constant(0), days(20)),
  recycleMs: fc.option(days(20)),
});
const moment = fc.integer({ min: -400, max: 400 }).map((dayOf) => start + dayOf * dayMs);
const anyFacts: fc.Arbitrary<AgingFacts> = fc.record({
  observed: fc.constantFrom<ObservedState>('requested', 'queued', 'preparing', 'booting', 'running', 'suspending', 'suspended', 'resuming', 'stopping', 'stopped', 'relocating', 'failed', 'lost', 'deleted'),
  desired: fc.constantFrom('running' as const, 'suspended' as const, 'stopped' as const, 'deleted' as const),
  slaveId: fc.option(fc.constant('slave-1')),
  diskImageId: fc.option(fc.constant('image-1')),
  generation: fc.integer({ min: 1, max: 3 }),
  observedGeneration: fc.integer({ min: 1, max: 3 }),
  reason: fc.option(fc.constantFrom({ code: 'DeadlinePassed' as const, sentence: '' }, { code: 'LaunchFailed' as const, sentence: '' })),
  reservationId: fc.option(fc.constant('reservation-1')),
  queuedAt: fc.option(moment),
  changedAt: moment,
  idleSince: fc.option(moment),
  agingNoticedAt: fc.option(moment),
  recycledAt: fc.option(moment),
  recycleUntil: fc.option(moment),
});

/** Looks every hour until then, as the job does with a steady clock; what was done, and when. */
function live(facts: AgingFacts, rules: AgingPolicy, from: number, until: number): { readonly facts: AgingFacts; readonly done: readonly { readonly what: string; readonly at: number }[] } {
  const done: { what: string; at: number }[] = [];
  let known = facts;
  for (let now = from; now <= until; now += hourMs) {
    const { due } = agingOf(known, rules, now);
    if (due === 'none') continue;
    done.push({ what: due, at: now });
    if (due === 'notice') known = { ...known, agingNoticedAt: now };
    if (due === 'recycle') known = { ...known, recycledAt: now, recycleUntil: rules.recycleMs === null ? null : now + rules.recycleMs, agingNoticedAt: now };
    if (due === 'delete') known = { ...known, desired: 'deleted' };
  }
  return { facts: known, done };
}

describe('the age of an instance', () => {
  it('leads by its days from the notice into the bin and out of it, and each is done once', () => {
    expect(live(off, policy, start, after(200)).done).toEqual([
      { what: 'notice', at: after(83) },
      { what: 'recycle', at: after(90) },
      { what: 'delete', at: after(97) },
    ]);
    const saved = { ...off, observed: 'suspended', desired: 'suspended' } as const;
    expect(live(saved, policy, start, after(200)).done.map(({ at }) => (at - start) / dayMs)).toEqual([53, 60, 67]);
  });

  it('does each at most once, in this order, and as far apart as the policy says, whatever the policy', () => {
    fc.assert(
      fc.property(policies, fc.boolean(), (rules, isSaved) => {
        const facts: AgingFacts = isSaved ? { ...off, observed: 'suspended', desired: 'suspended' } : off;
        const limitMs = isSaved ? rules.suspendedMs : rules.stoppedMs;
        const { done } = live(facts, rules, start, after(180));
        if (limitMs === null) return expect(done).toEqual([]);
        const expected = [...(rules.noticeMs > 0 ? ['notice'] : []), 'recycle', ...(rules.recycleMs === null ? [] : ['delete'])];
        expect(done.map(({ what }) => what)).toEqual(expected);
        const at = (what: string): number => done.find((one) => one.what === what)?.at ?? NaN;
        expect(at('recycle')).toBeGreaterThanOrEqual(start + limitMs);
        if (rules.noticeMs > 0) expect(at('recycle') - at('notice')).toBeGreaterThanOrEqual(rules.noticeMs);
        if (rules.recycleMs !== null) expect(at('delete') - at('recycle')).toBeGreaterThanOrEqual(rules.recycleMs);
      }),
      { numRuns: 60 },
    );
  });

  it('is told as the time when it really goes into the bin', () => {
    fc.assert(
      fc.property(policies, fc.integer({ min: 0, max: 100 }), (rules, sinceDays) => {
        const now = after(sinceDays);
        const { agesOutAt } = agingOf(off, rules, now);
        const recycled = live(off, rules, now, after(250)).done.find(({ what }) => what === 'recycle');
        expect(recycled?.at ?? null).toBe(agesOutAt);
      }),
      { numRuns: 60 },
    );
  });

  it('takes nobody by surprise: who was not told yet is told the whole notice ahead, however old it is', () => {
    const told = after(500);
    expect(agingOf(off, policy, told)).toEqual({ agesOutAt: told + 7 * dayMs, due: 'notice' });
    expect(live(off, policy, told, told + 20 * dayMs).done.map(({ at }) => at - told)).toEqual([0, 7 * dayMs, 14 * dayMs]);
  });

  it('begins anew with every use: what was told before it is not counted', () => {
    const used: AgingFacts = { ...off, idleSince: after(100), agingNoticedAt: after(83) };
    expect(agingOf(used, policy, after(182))).toEqual({ agesOutAt: after(190), due: 'none' });
    expect(agingOf(used, policy, after(183)).due).toBe('notice');
  });

  it('is none for what is used, waits, is reserved, is lost or may run', () => {
    const used: readonly Partial<AgingFacts>[] = [
      { observed: 'running', desired: 'running' }, { desired: 'running' }, { queuedAt: after(1) }, { reservationId: 'reservation-1' }, { observed: 'lost' }, { observed: 'stopping' },
      { observed: 'failed', reason: { code: 'DeadlinePassed', sentence: '' } }, { observed: 'failed', observedGeneration: 3 }, { observed: 'failed', slaveId: null },
      { desired: 'deleted' }, { observed: 'deleted' },
    ];
    for (const facts of used) expect(agingOf({ ...off, ...facts }, policy, after(500))).toEqual({ agesOutAt: null, due: 'none' });
  });

  it('of what failed with its disk kept is that of one that is off', () => {
    const failed: AgingFacts = { ...off, observed: 'failed', desired: 'running', reason: { code: 'LaunchFailed', sentence: '' } };
    expect(agingOf(failed, policy, after(10)).agesOutAt).toBe(after(90));
    expect(agingOf({ ...failed, slaveId: null, diskImageId: 'image-1' }, policy, after(10)).agesOutAt).toBe(after(90));
  });
});

describe('in the recycle bin', () => {
  const binned: AgingFacts = { ...off, agingNoticedAt: after(90), recycledAt: after(90), recycleUntil: after(97) };

  it('nothing is deleted that was not there for its time, or whose owner was not told the shorter of both times before', () => {
    fc.assert(
      fc.property(anyFacts, policies, moment, (facts, rules, now) => {
        const { due, agesOutAt } = agingOf(facts, rules, now);
        if (facts.recycledAt !== null) expect(agesOutAt).toBeNull();
        if (due !== 'delete') return;
        const { recycledAt, recycleUntil, agingNoticedAt } = facts;
        if (rules.recycleMs === null || recycledAt === null || recycleUntil === null || agingNoticedAt === null) throw new Error('deleted without having been told or kept');
        expect(now - recycledAt).toBeGreaterThanOrEqual(rules.recycleMs);
        expect(now - agingNoticedAt).toBeGreaterThanOrEqual(Math.min(rules.noticeMs, rules.recycleMs));
        expect(now).toBeGreaterThanOrEqual(recycleUntil);
        expect(facts.desired).not.toBe('deleted');
      }),
      { numRuns: 3000 },
    );
  });

  it('only what lies unused comes, and only by way of a notice', () => {
    fc.assert(
      fc.property(anyFacts, policies, moment, (facts, rules, now) => {
        const { due } = agingOf(facts, rules, now);
        if (due !== 'recycle' || facts.recycledAt !== null) return;
        expect(liesUnused(facts)).toBe(true);
        if (rules.noticeMs > 0) expect(now - (facts.agingNoticedAt ?? Infinity)).toBeGreaterThanOrEqual(rules.noticeMs);
      }),
      { numRuns: 3000 },
    );
  });

  it('it lies for ever where the policy says so, and what lay for ever is told its end before it has one', () => {
    expect(agingOf(binned, { ...policy, recycleMs: null }, after(5000)).due).toBe('none');
    const forEver = { ...binned, recycleUntil: null };
    expect(live(forEver, policy, after(300), after(400)).done).toEqual([{ what: 'recycle', at: after(300) }, { what: 'delete', at: after(307) }]);
  });

  it('what was told later than a policy that was tightened holds', () => {
    const long = { ...binned, recycleUntil: after(120) };
    expect(live(long, policy, after(90), after(200)).done).toEqual([{ what: 'delete', at: after(120) }]);
    expect(live(binned, { ...policy, recycleMs: 20 * dayMs }, after(90), after(200)).done).toEqual([{ what: 'delete', at: after(110) }]);
  });

  it('what came under a clock that was years ahead begins its time anew once the clock is right, and is not gone before', () => {
    const ahead = { ...binned, agingNoticedAt: after(3000), recycledAt: after(3000), recycleUntil: after(3007) };
    expect(live(ahead, policy, after(100), after(120)).done).toEqual([{ what: 'recycle', at: after(100) }, { what: 'delete', at: after(107) }]);
  });

  it('a notice of a clock that was years ahead is none', () => {
    expect(live({ ...off, agingNoticedAt: after(3000) }, policy, start, after(200)).done.map(({ what }) => what)).toEqual(['notice', 'recycle', 'delete']);
  });
});

describe('since when an instance lies unused', () => {
  const known = { observed: 'stopped', queuedAt: null, changedAt: start, idleSince: start } as const;
  const now = after(10);

  it('is when it came to lie', () => {
    expect(idleSinceAfter({ ...known, observed: 'stopping', idleSince: null }, { observed: 'stopped', queuedAt: null }, now)).toBe(now);
    expect(idleSinceAfter({ ...known, observed: 'lost', idleSince: null }, { observed: 'stopped', queuedAt: null }, now)).toBe(now);
  });

  it('is kept while its slave is silent, as every night, and after', () => {
    const lost = idleSinceAfter(known, { observed: 'lost', queuedAt: null }, now);
    expect(lost).toBe(start);
    expect(idleSinceAfter({ ...known, observed: 'lost', changedAt: now, idleSince: lost }, { observed: 'stopped', queuedAt: null }, after(11))).toBe(start);
  });

  it('of rows from before it was kept is their last change', () => {
    expect(idleSinceAfter({ ...known, idleSince: null }, { observed: 'lost', queuedAt: null }, now)).toBe(start);
    expect(idleSinceAfter({ ...known, idleSince: null }, { observed: 'stopped', queuedAt: null }, now)).toBe(start);
  });

  it('begins anew when somebody asked it to go on, or stopped what was saved', () => {
    expect(idleSinceAfter({ ...known, queuedAt: after(3) }, { observed: 'stopped', queuedAt: null }, now)).toBe(now);
    expect(idleSinceAfter({ ...known, observed: 'suspended' }, { observed: 'stopped', queuedAt: null }, now)).toBe(now);
  });

  it('is never while it is used', () => {
    for (const observed of ['preparing', 'booting', 'running', 'resuming', 'deleted'] as const) expect(idleSinceAfter(known, { observed, queuedAt: null }, now)).toBeNull();
    expect(idleSinceAfter({ ...known, observed: 'running', idleSince: null }, { observed: 'lost', queuedAt: null }, now)).toBeNull();
  });
});
