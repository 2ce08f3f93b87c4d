import { canonicalJson } from './canonical-json';
import type { RoundInputs } from '../core/replay';
import { minuteMs } from '../core/local-time';
import { at, booking, claimed, fifo, para, priority, running, saved, slave, waiting, world } from '../core/small-world.model';
import type { RunningInstance, SlaveView, WaitingInstance } from '../core/snapshot';
import { RunTrace } from './run-trace';
import { waitingForecast, whyNoForecast } from './waiting-forecast';

const round = (moment: number, slaves: readonly SlaveView[], waiters: readonly WaitingInstance[] = []): RoundInputs => ({ at: moment, policy: 'para/para', snapshot: world(slaves), waiting: waiters });
const traceOf = (...rounds: readonly RoundInputs[]): RunTrace => {
  const trace = new RunTrace();
  for (const one of rounds) trace.add(one);
  return trace;
};
const policies = { recorded: para, tried: { name: 'fifo/para', policies: fifo, rules: {} }, preemptionsPerDay: 2 };
const asItWas = { name: 'para/para', policies: para, rules: {} };
const noPause = (): Promise<void> => Promise.resolve();
const host = (guests: readonly RunningInstance[], facts: Partial<SlaveView> = {}): SlaveView => slave('lab-1', { running: guests, ...facts });

describe('who would wait longer', () => {
  const weak = running('weak', 8, { pi: 6, userId: 'bob', endsAt: at(11) });
  const strong = waiting('strong', 8, { userId: 'alice', priority: priority(9), createdAt: at(9, 10) });
  const small = waiting('small', 2, { userId: 'alice', priority: priority(8), createdAt: at(9, 20) });
  const trace = traceOf(round(at(9), [host([weak])]), round(at(9, 10), [host([weak])], [strong]), round(at(9, 20), [host([weak])], [strong, small]));
  const stays = new Map<string, number | null>([['weak', null], ['strong', 20 * minuteMs], ['small', 5 * minuteMs]]);

  it('is who had others give way, and is told with the most harmed first', async () => {
    const forecast = await waitingForecast(trace, stays, policies, noPause);
    expect(forecast).toMatchObject({ instances: 3, now: { preemptions: 1 }, tried: { preemptions: 0 } });
    // 8 GiB at 100 MiB/s and a second are saved in 83 s: for alice at once, or when bob's time is over. Her small one comes after her other.
    const told = forecast?.machines.map(({ instanceId, waitsSeconds, wouldWaitSeconds }) => [instanceId, waitsSeconds, wouldWaitSeconds]);
    expect(told).toEqual([['small', 11 * 60 + 23, 121 * 60 + 23], ['strong', 83, 110 * 60 + 83]]);
    const harm = forecast?.machines.map(({ differenceSeconds }) => differenceSeconds) ?? [];
    expect(harm).toEqual([...harm].sort((a, b) => b - a));
    expect(forecast?.people).toMatchObject([{ userId: 'alice', instances: 2 }]);
    expect(forecast?.people[0]?.differenceSeconds).toBe(harm.reduce((sum, one) => sum + one, 0));
    // Bob's is not saved for anybody.
    expect(forecast?.shorter).toBe(1);
  });

  it('is nobody under the same policy', async () => {
    const same = await waitingForecast(trace, stays, { ...policies, tried: asItWas }, noPause);
    expect(same).toMatchObject({ longer: 0, shorter: 0, people: [], machines: [] });
    expect(same?.now).toEqual(same?.tried);
    expect(whyNoForecast(trace, { ...policies, tried: asItWas })).toBe('Nobody would wait longer: the policy is the same.');
  });

  it('leaves out who gave up before it ran', async () => {
    expect((await waitingForecast(trace, new Map([...stays, ['small', 0]]), policies, noPause))?.instances).toBe(2);
  });

  it('is told by whoever gives others their turn in between, and may give up', async () => {
    let turns = 0;
    await waitingForecast(trace, stays, policies, () => Promise.resolve(void turns++));
    expect(turns).toBeGreaterThan(10);
    await expect(waitingForecast(trace, stays, policies, () => Promise.reject(new RangeError('enough')))).rejects.toThrow('enough');
  });

  it('is not told of a run without people, or under a policy that is not to be had', () => {
    expect(whyNoForecast(traceOf(), policies)).toBe('Nobody had or wanted a machine in this time.');
    expect(whyNoForecast(trace, { ...policies, recorded: null })).toContain('the policy of the run is not to be had');
  });
});

describe('the trace of a run', () => {
  const slot = booking('r', 4, at(10), at(12), { instanceId: null });

  it('has everybody once, from the moment they came, with the time they really stayed', () => {
    const a = waiting('a', 2, { createdAt: at(8, 50) });
    const b = waiting('b', 2, { createdAt: at(9, 4) });
    const trace = traceOf(round(at(9), [host([])], [a]), round(at(9, 5), [host([])], [a, b]), round(at(9, 10), [host([])], [b]));
    const site = trace.site(new Map([['a', 3 * minuteMs], ['b', null]]), para, 2);
    // One that waited when the run began is there from its beginning.
    expect(site?.requests.map(({ id, at: moment, staysMs }) => [id, moment, staysMs])).toEqual([['a', at(9), 3 * minuteMs], ['b', at(9, 4), Infinity]]);
    expect(site?.beginsAt).toBe(at(9));
    expect(trace.waitsAtEnd('b')).toBe(true);
    expect(trace.waitsAtEnd('a')).toBe(false);
  });

  it('keeps one that is saved where its disk is, and ends what ran at the beginning when it really ended', () => {
    const trace = traceOf(round(at(9), [host([running('r', 2, { endsAt: at(12) })])], [saved('s', 2, 'lab-1')]));
    const site = trace.site(new Map([['r', 10 * minuteMs], ['s', null]]), para, 2);
    expect(site?.waiting?.map(({ id, boundTo }) => [id, boundTo])).toEqual([['s', 'lab-1']]);
    expect(site?.requests).toEqual([]);
    expect(site?.slaves[0]?.running.map(({ endsAt }) => endsAt)).toEqual([at(9, 10)]);
  });

  it('has reservations as they ended up: claimed when their people came, cut where they were given back, and none that was cancelled', () => {
    const claim = claimed('c', 'lab-1', slot, { createdAt: at(10, 5), userId: 'carol' });
    const booked = (...bookings: readonly (typeof slot)[]) => [host([], { bookings })];
    const given = traceOf(round(at(9), booked(slot)), round(at(10, 5), booked({ ...slot, instanceId: 'c' }), [claim]), round(at(11), booked()));
    const [reservation] = given.site(new Map([['c', 30 * minuteMs]]), para, 2)?.reservations ?? [];
    expect(reservation).toMatchObject({ id: 'r', start: at(10), end: at(11), booked: [{ slot: 0, slaveId: 'lab-1', instanceId: null }], claims: [{ userId: 'carol', afterStartMs: 5 * minuteMs, staysMs: 30 * minuteMs }] });
    expect(traceOf(round(at(9), booked(slot)), round(at(9, 30), booked())).site(new Map(), para, 2)?.reservations).toEqual([]);
    expect(traceOf(round(at(9), booked(slot))).site(new Map(), para, 2)?.reservations).toMatchObject([{ end: at(12) }]);
  });

  it('has a host that came later from the beginning, as it was when it took part', () => {
    const off = slave('lab-2', { connected: false, running: [running('x', 2)] });
    const trace = traceOf(round(at(9), [host([])]), round(at(10), [host([]), off]), round(at(11), [host([]), { ...off, connected: true }]));
    expect(trace.site(new Map(), para, 2)?.slaves.map(({ id, connected, running: guests, promised }) => [id, connected, guests.length, promised.vcpus])).toEqual([['lab-1', true, 0, 0], ['lab-2', true, 0, 0]]);
  });

  it('is a site without a round that nobody simulates', () => {
    expect(traceOf().site(new Map(), para, 2)).toBeNull();
    expect(canonicalJson(traceOf().instanceIds)).toBe('[]');
  });
});
