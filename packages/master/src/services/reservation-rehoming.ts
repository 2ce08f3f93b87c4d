import type { Clock, EpochMs } from '@paravcl/shared/clock';
import { atRiskSentence, replannedSentence } from '../core/explain-reservation';
import { anyStranded, rehome, type Rehomed } from '../core/rehome';
import type { ReservationRecord } from '../core/reservation-record';
import type { HeldReservation } from '../core/reservation-request';
import { atRiskStanding, standingSentence } from '../core/reservation-standing';
import { noRoom, type SlaveView, type Snapshot } from '../core/snapshot';
import type { UnitOfWork } from '../db/unit-of-work';
import type { Repositories } from '../repositories/repositories';
import { keepInputs } from './decision-inputs';
import { heldReservations } from './held-reservations';
import type { ReservationSettings, SchedulingSettings } from './instance-settings';
import type { ReservationAdmission } from './reservation-admission';
import { rehomedDecision } from './reservation-decision';
import { answerable, tellPeople } from './reservation-people';
import { ownerOf } from './reservation-wish';
import type { WorkingWorld } from './working-world';
import type { World } from './world-loader';

export interface ReservationRehomingDeps {
  readonly unitOfWork: UnitOfWork;
  readonly world: Pick<WorkingWorld, 'seen' | 'decided'>;
  readonly scheduling: SchedulingSettings;
  readonly admission: Pick<ReservationAdmission, 'alone'>;
  readonly reservations: ReservationSettings;
  readonly clock: Clock;
}

/** What is booked on slaves that do not count any more, and what can become of it. */
interface Plan {
  readonly world: Snapshot;
  readonly held: readonly HeldReservation[];
  readonly records: ReadonlyMap<string, ReservationRecord>;
  readonly rehomed: readonly Rehomed[];
  readonly at: EpochMs;
}

/**
 * Books what a lost, drained, quarantined or retired slave had over to others, where they have room. Whose machines find
 * none is told once; they stay where they were booked, and are looked at again in every round.
 */
export class ReservationRehoming {
  constructor(private readonly deps: ReservationRehomingDeps) {}

  /** One round; true when something was booked over. */
  async run(): Promise<boolean> {
    const { admission, unitOfWork, clock, world } = this.deps;
    // A look without the lock first: as a rule there is nothing to do.
    const seenAt = clock.now();
    if (!needsWriting(await this.plan(unitOfWork.read, await world.seen(seenAt), seenAt))) return false;
    return admission.alone(async (repositories) => {
      const at = clock.now();
      const plan = await world.decided(repositories, at, (loaded) => this.plan(repositories, loaded, at), ({ rehomed }) => rehomed.flatMap(({ slots }) => slots.map(({ to }) => to)));
      return this.write(repositories, plan);
    });
  }

  private async plan(repositories: Repositories, loaded: World, at: EpochMs): Promise<Plan> {
    const world = await withRetired(repositories, loaded);
    const stranded = anyStranded(world, at);
    const held = stranded ? await heldReservations(repositories, this.deps.reservations) : [];
    const looked = stranded ? await repositories.reservations.holding() : await repositories.reservations.atRisk();
    return { world, held, records: new Map(looked.map((record) => [record.id, record])), rehomed: rehome(world, held, at), at };
  }

  private async write(repositories: Repositories, plan: Plan): Promise<boolean> {
    const { rehomed, records, at } = plan;
    for (const one of rehomed) {
      const record = records.get(one.reservation.id);
      if (record === undefined) continue;
      if (one.slots.length > 0) await this.bookOver(repositories, plan, record, one);
      if (one.atRisk.length > 0) await this.warn(repositories, record, one, at);
    }
    const atRisk = new Set(rehomed.filter((one) => one.atRisk.length > 0).map(({ reservation }) => reservation.id));
    for (const record of records.values()) if (record.atRisk && !atRisk.has(record.id)) await this.relieve(repositories, record, at);
    return rehomed.some(({ slots }) => slots.length > 0);
  }

  private async bookOver(repositories: Repositories, { world, held, at }: Plan, record: ReservationRecord, { slots }: Rehomed): Promise<void> {
    for (const { slot, to } of slots) await repositories.bookings.moveSlot(record.id, slot, to);
    const { ordering, placement, rules } = this.deps.scheduling;
    const sentence = replannedSentence(record, slots.length, names(slots.map(({ fromName }) => fromName)), rules.timeZone, at);
    const inputsHash = await keepInputs(repositories, { at, world, held, request: null }, at);
    const by = { at, considered: world.slaves.length, policy: `${ordering.name}/${placement.name}`, inputsHash };
    const decision = rehomedDecision(record, slots.map(({ slot, to }) => ({ slot, slaveId: to })), sentence, by);
    await repositories.decisions.insert(decision);
    await tellPeople(repositories, await answerable(repositories, record), record, { kind: 'reservation.replanned', sentence, decisionId: decision.id }, at);
  }

  private async warn(repositories: Repositories, record: ReservationRecord, { atRisk }: Rehomed, at: EpochMs): Promise<void> {
    if (record.atRisk) return;
    const sentence = atRiskSentence(record, atRisk.length, record.count, names(atRisk.map(({ slaveName }) => slaveName)), this.deps.scheduling.rules.timeZone, at);
    if (!(await repositories.reservations.change(record.id, record.state, { atRisk: true, sentence: atRiskStanding(sentence) }))) return;
    await tellPeople(repositories, await answerable(repositories, record), record, { kind: 'reservation.at-risk', sentence, decisionId: null }, at);
  }

  private async relieve(repositories: Repositories, record: ReservationRecord, at: EpochMs): Promise<void> {
    const { name, rules } = await ownerOf(repositories, record, this.deps.reservations);
    await repositories.reservations.change(record.id, record.state, { atRisk: false, sentence: standingSentence(record, name, rules.timeZone, at) });
  }
}

function needsWriting({ rehomed, records }: Plan): boolean {
  const atRisk = new Set(rehomed.filter((one) => one.atRisk.length > 0).map(({ reservation }) => reservation.id));
  return rehomed.some(({ slots }) => slots.length > 0) || [...records.values()].some((record) => record.atRisk !== atRisk.has(record.id));
}

/** The scheduler's world knows no retired slaves; what is booked there is stranded all the same. */
async function withRetired(repositories: Repositories, { snapshot, bookedElsewhere: elsewhere }: World): Promise<Snapshot> {
  const retired: SlaveView[] = [];
  for (const id of new Set(elsewhere.map(({ slaveId }) => slaveId))) {
    retired.push(retiredView(id, (await repositories.slaves.find(id))?.name ?? 'a host that is gone', elsewhere.filter(({ slaveId }) => slaveId === id)));
  }
  return { ...snapshot, slaves: [...snapshot.slaves, ...retired] };
}

function retiredView(id: string, name: string, bookings: SlaveView['bookings']): SlaveView {
  return {
    id, name, bookings, kind: 'dedicated', contributing: false, registeredAt: 0, admission: 'retired', liveness: 'lost', connected: false,
    hypervisor: { usable: false, why: 'it was retired' }, troubles: [], clockWrong: null, capacity: noRoom, poolAvailableMiB: 0, promised: noRoom, running: [], saveMiBPerSecond: 1,
  };
}

const names = (all: readonly string[]): readonly string[] => [...new Set(all)].sort();
