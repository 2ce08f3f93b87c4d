import fc from 'fast-check';
import { now, policies, round, site } from '../../test/core/any-world';
import { plan, type Decision, type Plan } from './plan';
import { bookedDiskMiB, poolTotals, slaveNow, type SlaveNow } from './room-now';
import { add, noRoom, type Room, type RunningInstance, type Snapshot, type WaitingInstance } from './snapshot';

const dimensions = ['vcpus', 'ramMiB', 'diskMiB', 'bandwidthMbps'] as const;
const given = (decisions: readonly Decision[], slaveId: string): readonly WaitingInstance[] =>
  decisions.filter((decision) => (decision.kind === 'place' || decision.kind === 'resume') && decision.slaveId === slaveId).map(({ instance }) => instance);
const sum = (rooms: readonly { readonly need: Room }[]): Room => rooms.map(({ need }) => need).reduce(add, noRoom);

/** The world after a round, with everybody gone who was told to go, and what was left behind cleaned away. */
function carriedOut({ slaves, ...rest }: Snapshot, { recalls, decisions }: Plan): Snapshot {
  const gone = new Set([...recalls, ...decisions.filter((decision) => decision.kind === 'preempt')].flatMap(({ victims }) => victims.map(({ instance }) => instance.id)));
  return {
    ...rest,
    slaves: slaves.map((slave) => {
      const joined = given(decisions, slave.id);
      const running = [
        ...slave.running.filter(({ id, leaving }) => !leaving && !gone.has(id)),
        ...joined.map(({ id, name, type, userId, groupId, generation, need, priority: { pi: value }, runMs, spared }): RunningInstance => ({
          id, name, type, userId, groupId, generation, need, observed: 'preparing', pi: value, since: now, endsAt: runMs === null ? null : now + runMs, leaving: false, sparedUntil: spared ? Infinity : null,
        })),
      ];
      const diskMiB = slave.promised.diskMiB + sum(joined).diskMiB;
      return { ...slave, running, promised: { ...sum(running), diskMiB }, poolAvailableMiB: slave.poolAvailableMiB - sum(joined).diskMiB };
    }),
  };
}

describe('a round of the scheduler', () => {
  it('never promises more of anything than a slave has', () => {
    fc.assert(
      fc.property(site, (world) => {
        const { decisions } = round(world);
        for (const slave of world.snapshot.slaves) {
          const joined = given(decisions, slave.id);
          const wanted = sum(joined);
          const after = add(slave.promised, wanted);
          for (const dimension of dimensions) if (wanted[dimension] > 0) expect(after[dimension]).toBeLessThanOrEqual(slave.capacity[dimension]);
          if (wanted.diskMiB > 0) expect(wanted.diskMiB).toBeLessThanOrEqual(slave.poolAvailableMiB);
          // Disk that slots will need cannot be called back.
          if (joined.some(({ type, need }) => type === 'BE' && need.diskMiB > 0)) {
            const placed: SlaveNow = { ...slaveNow(slave), promised: after };
            const booked = bookedDiskMiB({ ...placed, view: { ...slave, bookings: slave.bookings.filter(({ instanceId }) => !joined.some(({ id }) => id === instanceId)) } }, { id: '', type: 'BE', booking: null });
            expect(after.diskMiB + booked).toBeLessThanOrEqual(slave.capacity.diskMiB);
          }
        }
      }),
    );
  });

  it('leaves the critical limit to what is reserved', () => {
    fc.assert(
      fc.property(site, (world) => {
        const planned = round(world);
        if (!planned.decisions.some(({ kind, instance: { type } }) => type === 'BE' && (kind === 'place' || kind === 'resume'))) return;
        const after = world.snapshot.slaves.map((slave): SlaveNow => ({ ...slaveNow(slave), promised: add(slave.promised, sum(given(planned.decisions, slave.id))) }));
        const pool = poolTotals(after, world.snapshot.rules, { id: '', type: 'AR', booking: null });
        expect(pool.freeVcpus).toBeGreaterThanOrEqual(pool.keptVcpus);
        expect(pool.freeRamMiB).toBeGreaterThanOrEqual(pool.keptRamMiB);
      }),
    );
  });

  it('tells only best-effort to go, each once, none that is spared or leaves, and only for who outranks it', () => {
    fc.assert(
      fc.property(site, (world) => {
        const { recalls, decisions } = round(world);
        const preemptions = decisions.filter((decision) => decision.kind === 'preempt');
        const victims = [...recalls, ...preemptions].flatMap((one) => one.victims.map(({ instance }) => instance));
        expect(new Set(victims.map(({ id }) => id)).size).toBe(victims.length);
        for (const { type, leaving, sparedUntil } of victims) expect([type, leaving, sparedUntil === null || sparedUntil <= now]).toEqual(['BE', false, true]);
        for (const decision of preemptions) {
          expect(decision.victims.length).toBeGreaterThan(0);
          if (decision.instance.type === 'AR') continue;
          expect(world.ordering).toBe('para');
          for (const { instance } of decision.victims) expect(Math.round(instance.pi * 1e6)).toBeLessThan(Math.round(decision.instance.priority.pi * 1e6));
        }
      }),
    );
  });

  it('has nobody suspended in vain: the one it is for starts once they are gone', () => {
    fc.assert(
      fc.property(site, (world) => {
        const planned = round(world);
        const preempting = planned.decisions.filter((decision) => decision.kind === 'preempt');
        // What is reserved goes before them.
        if (preempting.length === 0 || planned.decisions.some(({ kind, instance: { type } }) => type === 'AR' && kind === 'queue')) return;
        const nominated = planned.decisions.flatMap((decision) => {
          const where = decision.kind === 'preempt' ? decision.slaveId : decision.kind === 'queue' ? decision.nominatedTo : null;
          return where === null ? [] : [{ ...decision.instance, nominatedTo: where }];
        });
        const after = plan(carriedOut(world.snapshot, planned), nominated, policies[world.ordering], now).decisions;
        for (const { instance: { id } } of preempting) expect(after.find(({ instance }) => instance.id === id)?.kind).toMatch(/place|resume/);
      }),
    );
  });

  it('is the same for the same world, in whatever order slaves, guests and instances are listed', () => {
    const shape = ({ recalls, decisions, dueAt }: Plan): unknown => [
      [...recalls].map(({ slaveId, victims }) => [slaveId, victims.map(({ instance }) => instance.id)]),
      decisions.map((decision) => [decision.instance.id, decision.kind, 'slaveId' in decision ? decision.slaveId : decision.reason.code, 'victims' in decision ? decision.victims.map(({ instance }) => instance.id) : []]),
      dueAt,
    ];
    fc.assert(
      fc.property(site, (world) => {
        const { snapshot, queue, ordering } = world;
        const turned = { ...snapshot, slaves: [...snapshot.slaves].reverse().map((slave) => ({ ...slave, running: [...slave.running].reverse() })) };
        expect(shape(round({ snapshot: turned, queue: [...queue].reverse(), ordering }))).toEqual(shape(round(world)));
        expect(round(world)).toEqual(round(world));
      }),
    );
  });

  it('answers every waiting instance once, with sentences that can be stored', () => {
    fc.assert(
      fc.property(site, (world) => {
        const { recalls, decisions } = round(world);
        expect(decisions.map(({ instance }) => instance.id).sort()).toEqual(world.queue.map(({ id }) => id).sort());
        const sentences = [
          ...decisions.flatMap((decision) => ('sentence' in decision ? [decision.sentence] : [decision.reason.sentence])),
          ...decisions.flatMap((decision) => decision.considered.refused.flatMap(({ sentence }) => sentence ?? [])),
          ...decisions.flatMap((decision) => (decision.kind === 'preempt' ? decision.victims.map(({ sentence }) => sentence) : [])),
          ...recalls.flatMap(({ sentence, victims }) => [sentence, ...victims.map((victim) => victim.sentence)]),
        ];
        for (const sentence of sentences) {
          expect(sentence.length).toBeGreaterThan(0);
          expect(sentence.length).toBeLessThanOrEqual(1000);
          expect(sentence).not.toMatch(/undefined|null|NaN|Infinity/);
        }
      }),
    );
  });

  it('is due again only later', () => {
    fc.assert(
      fc.property(site, (world) => {
        const { dueAt } = round(world);
        if (dueAt !== null) expect(dueAt).toBeGreaterThan(now);
      }),
    );
  });
});
