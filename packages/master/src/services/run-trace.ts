import type { EpochMs } from '@paravcl/shared/clock';
import type { RoundInputs } from '../core/replay';
import type { Policies } from '../core/plan';
import { noRoom, type Booking, type Rules, type SlaveView, type WaitingInstance } from '../core/snapshot';
import type { SimulatedClaim, SimulatedReservation, SimulatedSite } from '../core/simulation/simulated-site';
import { priorityOf } from '@paravcl/shared/priority';
import { defaultReservations } from './instance-settings';

/** A slot of a reservation, as it was booked last. */
interface SeenSlot extends Booking {
  readonly slaveId: string;
  /** Number of the last round that saw it. */
  readonly seenIn: number;
}

/** Nobody who is booked really is moved in the forecast: it has given way, or not, already. */
const outranksAll = { ...priorityOf({ pfv: 0, ras: false, mon: false, ramMiB: 1, minutes: 1 }), pi: Number.MAX_SAFE_INTEGER };

/** It is played on after the last round, so that who waits then is served: so long at most. */
const runOutMs = 86_400_000;

/** Who came when, for what and how long, of the rounds of a real run in their order: what can be played forward under another policy. */
export class RunTrace {
  private begin: RoundInputs | null = null;
  private readonly rounds: EpochMs[] = [];
  /** By id, as they were when they took part; else as they were seen last. */
  private readonly slaves = new Map<string, SlaveView>();
  private readonly arrivals = new Map<string, WaitingInstance>();
  private readonly slots = new Map<string, SeenSlot>();
  private lastWaiting: ReadonlySet<string> = new Set();

  add(inputs: RoundInputs): void {
    const { snapshot, waiting, at } = inputs;
    this.begin ??= inputs;
    this.rounds.push(at);
    for (const slave of snapshot.slaves) {
      const before = this.slaves.get(slave.id);
      if (before === undefined || !takesPart(before)) this.slaves.set(slave.id, slave);
      for (const booking of slave.bookings) this.slots.set(`${booking.reservationId}.${String(booking.slot)}`, { ...booking, slaveId: slave.id, seenIn: this.rounds.length - 1 });
    }
    this.lastWaiting = new Set(waiting.map(({ id }) => id));
    const already = new Set(this.begin.snapshot.slaves.flatMap(({ running }) => running.map(({ id }) => id)));
    for (const one of waiting) if (!already.has(one.id) && !this.arrivals.has(one.id)) this.arrivals.set(one.id, one);
  }

  /** Whose real stays have to be known. */
  get instanceIds(): readonly string[] {
    return [...(this.begin?.snapshot.slaves.flatMap(({ running }) => running.map(({ id }) => id)) ?? []), ...this.arrivals.keys()];
  }

  get from(): EpochMs {
    return this.begin?.at ?? 0;
  }

  waitsAtEnd(id: string): boolean {
    return this.lastWaiting.has(id);
  }

  /** Whose machine it is and what it is called, of best-effort. */
  machines(): ReadonlyMap<string, { readonly name: string; readonly userId: string }> {
    const running = this.begin?.snapshot.slaves.flatMap((slave) => slave.running) ?? [];
    return new Map([...running, ...this.arrivals.values()].filter(({ type }) => type === 'BE').map(({ id, name, userId }) => [id, { name, userId }]));
  }

  /** The run as a site to be simulated; null when there was no round. `stays`: how long each machine was really had; null: nobody knows, it stays until its time is over. `rules`: what differs from those of the run. */
  site(stays: ReadonlyMap<string, number | null>, policies: Policies, preemptionsPerDay: number, rules: Partial<Rules> = {}): SimulatedSite | null {
    if (this.begin === null) return null;
    const { at: beginsAt, snapshot, waiting } = this.begin;
    const first = new Map(snapshot.slaves.map((slave) => [slave.id, slave]));
    const waitedAlready = new Set(waiting.map(({ id }) => id));
    const reservations = this.reservations(stays, beginsAt);
    const booked = new Set(reservations.map(({ id }) => id));
    const came = [...this.arrivals.values()].filter(({ type, id }) => type === 'BE' && stays.get(id) !== 0);
    return {
      beginsAt,
      until: (this.rounds.at(-1) ?? beginsAt) + runOutMs,
      slaves: [...this.slaves.values()].map((slave) => asAtBegin(slave, first.get(slave.id), beginsAt, stays)),
      waiting: [
        ...came.filter(({ id, boundTo }) => waitedAlready.has(id) && boundTo !== null),
        // Claimed before the run: their reservation's slot is theirs.
        ...[...this.arrivals.values()].filter(({ id, type, booking }) => type === 'AR' && waitedAlready.has(id) && booking !== null && booked.has(booking.reservationId)),
      ].filter(({ boundTo }) => boundTo === null || this.slaves.has(boundTo)),
      rules: { ...snapshot.rules, ...rules },
      policies,
      preemptionsPerDay,
      requests: came
        .filter(({ id, boundTo }) => !waitedAlready.has(id) || boundTo === null)
        .map(({ id, name, userId, groupId, need, priority, createdAt, waitsSince, runMs }) => ({ id, name, userId, groupId, need, priority, at: Math.max(createdAt, beginsAt), waitsSince, runMs, staysMs: stays.get(id) ?? Infinity })),
      reservations,
      saveFactor: () => 1,
    };
  }

  /** As they ended up: booked from the beginning, until they were not seen any more. */
  private reservations(stays: ReadonlyMap<string, number | null>, beginsAt: EpochMs): readonly SimulatedReservation[] {
    const byReservation = new Map<string, SeenSlot[]>();
    for (const slot of this.slots.values()) byReservation.set(slot.reservationId, [...(byReservation.get(slot.reservationId) ?? []), slot]);
    const initial = new Set(this.instanceIds);
    return [...byReservation.entries()].flatMap(([id, slots]): readonly SimulatedReservation[] => {
      const [one] = slots;
      if (one === undefined) return [];
      // The first round that saw it no more: it was cancelled, or given back, unless it was over.
      const goneAt = this.rounds[Math.max(...slots.map(({ seenIn }) => seenIn)) + 1] ?? Infinity;
      if (goneAt <= one.start) return [];
      const need = slots.reduce((most, slot) => (slot.need.diskMiB > most.diskMiB ? slot.need : most), one.need);
      return [
        {
          id, ownerName: one.ownerName, groupId: null, askedAt: beginsAt, start: one.start, end: Math.min(one.end, goneAt), count: slots.length, need, priority: outranksAll, rules: defaultReservations.rules,
          claims: this.claims(id, one.start, beginsAt, stays),
          booked: slots.map(({ slot, slaveId, instanceId }) => ({ slot, slaveId, instanceId: instanceId !== null && initial.has(instanceId) && !this.isClaim(instanceId) ? instanceId : null })),
        },
      ];
    });
  }

  private claims(reservationId: string, start: EpochMs, beginsAt: EpochMs, stays: ReadonlyMap<string, number | null>): readonly SimulatedClaim[] {
    return [...this.arrivals.values()]
      .filter(({ id, booking }) => booking?.reservationId === reservationId && this.isClaim(id))
      .map(({ id, userId, createdAt }) => ({ userId, afterStartMs: Math.max(createdAt, start, beginsAt) - start, staysMs: stays.get(id) ?? Infinity }));
  }

  /** It came during the run. */
  private isClaim(id: string): boolean {
    return this.arrivals.has(id) && this.begin?.waiting.some((one) => one.id === id) !== true;
  }
}

const takesPart = ({ admission, liveness, connected, hypervisor, troubles, clockWrong }: SlaveView): boolean =>
  admission === 'approved' && liveness !== 'lost' && connected && hypervisor.usable && troubles.length === 0 && clockWrong === null;

/** A host with what ran on it when the run began; one that came later is there from the beginning, empty. */
function asAtBegin(slave: SlaveView, first: SlaveView | undefined, beginsAt: EpochMs, stays: ReadonlyMap<string, number | null>): SlaveView {
  if (first === undefined) return { ...slave, running: [], bookings: [], promised: noRoom };
  const running = first.running.map((guest) => {
    const stay = stays.get(guest.id) ?? null;
    return stay === null ? guest : { ...guest, endsAt: Math.min(guest.endsAt ?? Infinity, beginsAt + stay) };
  });
  return { ...slave, running, bookings: [], promised: first.promised, poolAvailableMiB: first.poolAvailableMiB };
}
