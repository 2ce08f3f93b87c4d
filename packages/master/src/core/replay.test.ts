import type { Decision as StoredDecision } from '@paravcl/shared/domain/decision';
import { parseJson } from '@paravcl/shared/parse-json';
import fc from 'fast-check';
import { canonicalJson } from '../services/canonical-json';
import { storedInputs } from '../services/stored-inputs';
import { decisionOf, decisionOfLeaving, decisionOfRecall } from './decision-of-plan';
import { plan, type Policies } from './plan';
import { placementPolicies } from './rank';
import { replayRound, type RoundInputs, type TriedPolicy } from './replay';
import { at, booking, fifo, para, priority, running, saved, slave, waiting, world } from './small-world.model';

const now = at(9);
const minuteMs = 60_000;
const tried = (policies: Policies, rules: TriedPolicy['rules'] = {}): TriedPolicy => ({ name: 'tried', policies, rules });
const spread: Policies = { ...para, placement: placementPolicies.spread };

/** A few hosts with guests and slots, and a few who wait, some of them saved. */
const rounds: fc.Arbitrary<RoundInputs> = fc
  .record({
    slaves: fc.array(
      fc.record({
        guests: fc.array(fc.record({ vcpus: fc.integer({ min: 1, max: 3 }), pi: fc.constantFrom(6, 7, 8.5), endsIn: fc.option(fc.integer({ min: 1, max: 90 })), leaving: fc.boolean() }), { maxLength: 3 }),
        slots: fc.array(fc.record({ vcpus: fc.integer({ min: 1, max: 4 }), startsIn: fc.integer({ min: -20, max: 60 }) }), { maxLength: 2 }),
        connected: fc.constantFrom(true, true, true, false),
        saveMiBPerSecond: fc.constantFrom(10, 33.3, 200),
      }),
      { minLength: 1, maxLength: 4 },
    ),
    waiters: fc.array(
      fc.record({ vcpus: fc.integer({ min: 1, max: 8 }), pi: fc.constantFrom(6.5, 7.000_000_1, 8, 9), agoMs: fc.nat({ max: 100 }), on: fc.option(fc.nat({ max: 3 }), { freq: 2 }), runMs: fc.option(fc.constant(90 * minuteMs)), homeMiB: fc.option(fc.constant(512), { nil: undefined }) }),
      { maxLength: 6 },
    ),
    criticalShare: fc.constantFrom(0, 0.05, 0.3),
    lastPlacedOn: fc.constantFrom(null, 'slave-0', 'slave-1'),
  })
  .map(({ slaves, waiters, criticalShare, lastPlacedOn }) => ({
    at: now,
    policy: 'para/para',
    snapshot: {
      ...world(
        slaves.map(({ guests, slots, ...facts }, index) =>
          slave(`slave-${String(index)}`, {
            ...facts,
            running: guests.map(({ vcpus, endsIn, ...guest }, number) => running(`guest-${String(index)}-${String(number)}`, vcpus, { ...guest, endsAt: endsIn === null ? null : now + endsIn * minuteMs })),
            bookings: slots.map(({ vcpus, startsIn }, number) => booking(`r-${String(index)}-${String(number)}`, vcpus, now + startsIn * minuteMs, now + 120 * minuteMs)),
          }),
        ),
        { criticalShare },
      ),
      lastPlacedOn,
    },
    waiting: waiters.map(({ vcpus, pi, agoMs, on, ...facts }, index) => {
      const more = { ...facts, priority: priority(pi), createdAt: now - agoMs };
      return on === null || on >= slaves.length ? waiting(`waits-${String(index)}`, vcpus, more) : saved(`waits-${String(index)}`, vcpus, `slave-${String(on)}`, more);
    }),
  }));

/** As it is after it lay in the database. */
function kept(inputs: RoundInputs): RoundInputs {
  const read = storedInputs(parseJson(canonicalJson(inputs)) as Record<string, unknown>);
  if (read.of !== 'round') throw new Error(`It was read back as ${read.of}.`);
  return read.inputs;
}

/** Everything that is recorded when all of a plan is carried out. */
function recorded({ snapshot, waiting: waiters, at: moment }: RoundInputs, policies: Policies): readonly StoredDecision[] {
  const { recalls, decisions } = plan(snapshot, waiters, policies, moment);
  const bodies = [
    ...recalls.flatMap((recalled) => [decisionOfRecall(recalled, policies), ...recalled.victims.map((victim) => decisionOfLeaving(victim, null, policies))]),
    ...decisions.flatMap((decision) => [decisionOf(decision, policies), ...(decision.kind === 'preempt' ? decision.victims.map((victim) => decisionOfLeaving(victim, decision, policies)) : [])]),
  ];
  return bodies.map((body, index) => ({ id: String(index), at: new Date(moment).toISOString(), inputsHash: '', ...body }));
}

describe('a round that is replayed', () => {
  it('comes to the same plan from what was kept of it, to the last word', () => {
    fc.assert(
      fc.property(rounds, fc.constantFrom(para, fifo, spread), (inputs, policies) => {
        const again = kept(inputs);
        expect(plan(again.snapshot, again.waiting, policies, again.at)).toEqual(plan(inputs.snapshot, inputs.waiting, policies, inputs.at));
      }),
    );
  });

  it('under the policy of the run is what was recorded, for everybody', () => {
    fc.assert(
      fc.property(rounds, fc.constantFrom(para, fifo, spread), (inputs, policies) => {
        const replayed = replayRound(kept(inputs), recorded(inputs, policies), policies, tried(policies));
        expect(replayed.filter(({ reproduced, same, decided, would }) => !reproduced || !same || decided?.sentence !== would?.sentence)).toEqual([]);
        expect(replayed.filter(({ subject }) => subject.type === 'instance')).toHaveLength(inputs.waiting.length);
      }),
    );
  });

  it('under another policy differs exactly where that plan does', () => {
    fc.assert(
      fc.property(rounds, (inputs) => {
        const replayed = replayRound(inputs, recorded(inputs, para), para, tried(fifo));
        const now2 = plan(inputs.snapshot, inputs.waiting, fifo, inputs.at).decisions;
        expect(replayed.every(({ reproduced }) => reproduced)).toBe(true);
        for (const { subject, again, would, same } of replayed.filter((one) => one.subject.type === 'instance')) {
          const decision = now2.find(({ instance }) => instance.id === subject.id);
          expect(would?.kind).toBe(decision?.kind);
          const shape = (answer: typeof would) => JSON.stringify([answer?.kind, answer?.slaveId, answer?.place, answer?.victimIds]);
          expect(same).toBe(shape(again) === shape(would));
        }
      }),
    );
  });

  const full: RoundInputs = {
    at: now, policy: 'para/para', snapshot: world([slave('lab-1', { running: [running('weak', 8, { pi: 6 })] })]),
    waiting: [waiting('late', 4, { priority: priority(9), createdAt: now }), waiting('early', 8, { priority: priority(8), createdAt: now - minuteMs })],
  };

  it('says who would wait instead of having others saved, and who would come first', () => {
    const replayed = replayRound(full, recorded(full, para), para, tried(fifo));
    expect(replayed.map(({ subject, again, would, same }) => [subject.id, again?.kind, again?.victimIds, would?.kind, would?.place, same])).toEqual([
      ['late', 'preempt', ['weak'], 'queue', 2, false],
      ['early', 'queue', [], 'queue', 1, false],
    ]);
  });

  it('says who would wait if the site kept more for what is reserved', () => {
    const empty: RoundInputs = { ...full, snapshot: world([slave('lab-1')]), waiting: [waiting('small', 4, { createdAt: now })] };
    const replayed = replayRound(empty, recorded(empty, para), para, tried(para, { criticalShare: 0.6 }));
    expect(replayed.map(({ again, would, same, reproduced }) => [again?.kind, would?.kind, same, reproduced])).toEqual([['place', 'queue', false, true]]);
  });

  it('tells a record that its own inputs do not lead to', () => {
    const [first, ...others] = recorded(full, para);
    const changed = [{ ...first, kind: 'place', chosen: { slaveId: 'lab-1' }, victims: undefined } as StoredDecision, ...others];
    const replayed = replayRound(full, changed, para, tried(para));
    expect(replayed.filter(({ reproduced }) => !reproduced).map(({ subject, decided, again }) => [subject.id, decided?.kind, again?.kind])).toEqual([['late', 'place', 'preempt']]);
  });

  it('is compared with the record itself where its policy is not to be had', () => {
    const replayed = replayRound(full, recorded(full, para), null, tried(fifo));
    expect(replayed.map(({ subject, reproduced, same }) => [subject.id, reproduced, same])).toEqual([['late', true, false], ['early', true, true]]);
  });
});

describe('inputs of another version', () => {
  const whole = parseJson(canonicalJson(kept({ at: now, policy: 'para/para', snapshot: world([slave('lab-1')]), waiting: [waiting('w', 1)] }))) as { snapshot: { slaves: Record<string, unknown>[] } };

  it('are told by the first field that is not as it is now', () => {
    const { troubles, ...older } = whole.snapshot.slaves[0] ?? {};
    expect(troubles).toEqual([]);
    expect(storedInputs({ ...whole, snapshot: { ...whole.snapshot, slaves: [older] } })).toEqual({ of: 'another-version', field: 'snapshot.slaves.0.troubles' });
    expect(storedInputs({ at: now })).toEqual({ of: 'another-version', field: 'world' });
    expect(storedInputs({ ...whole, snapshot: { ...whole.snapshot, slaves: [{ ...older, troubles, saveMiBPerSecond: null }] } })).toMatchObject({ field: 'snapshot.slaves.0.saveMiBPerSecond' });
  });

  it('keep what they have beyond it', () => {
    const read = storedInputs({ ...whole, snapshot: { ...whole.snapshot, slaves: [{ ...whole.snapshot.slaves[0], colour: 'red' }] } });
    expect(read).toMatchObject({ of: 'round', inputs: { snapshot: { slaves: [{ colour: 'red' }] } } });
  });
});
