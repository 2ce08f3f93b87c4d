import type { SlaViolationAnswer } from '@paravcl/shared/api/monitoring';
import type { Page } from '@paravcl/shared/api/page';
import type { Clock, EpochMs } from '@paravcl/shared/clock';
import type { Principal } from '@paravcl/shared/domain/people';
import { newId } from '@paravcl/shared/ids';
import type { GuestProcessor } from '@paravcl/shared/protocol/agent-to-master';
import { inWindow, isShort, processorUse, shortSentence, type ProcessorUse, type SlaRules, type Stretch } from '../core/sla';
import type { UnitOfWork } from '../db/unit-of-work';
import type { NamedViolation, OpenViolation } from '../repositories/sla-violation-repository';
import { tell } from './notice-service';
import { reach } from './policy';

export interface SlaServiceDeps {
  readonly unitOfWork: UnitOfWork;
  readonly clock: Clock;
  /** Null: the site does not watch this. */
  readonly rules: SlaRules | null;
}

/** Some seconds after the window is full at the latest. */
export const slaEveryMs = 3000;
/** One that is short again so soon was told already. */
const toldMs = 10 * 60_000;
/** A slave that is there and says nothing of the guest for so long does not say it any more: an older agent, a hypervisor that does not tell. */
const unheardMs = 10 * 60_000;
/** A violation is written anew when it became so much worse. */
const worseBy = 0.05;

export interface ViolationQuery {
  readonly limit: number;
  readonly cursor?: string | undefined;
  readonly instanceId?: string | undefined;
  readonly slaveId?: string | undefined;
  readonly open?: boolean | undefined;
}

interface Heard {
  readonly instanceId: string;
  readonly slaveId: string;
  readonly atMs: number;
  readonly stretches: readonly Stretch[];
}

/**
 * Finds guests that get less of a processor than their due, and keeps when that was (`core/sla.ts`).
 *
 * What was heard lies in memory, a window of each guest; what follows from it in the books, where a violation is open until it
 * is over. A master that was killed finds those that were, and judges them again once it has heard a window: none is lost, and
 * an instance has one at a time.
 */
export class SlaService {
  private readonly heard = new Map<string, Heard>();
  private readonly startedMs: number;

  constructor(private readonly deps: SlaServiceDeps) {
    this.startedMs = deps.clock.monotonicMs();
  }

  /** A heartbeat's word on the guests of its slave. */
  hear(slaveId: string, guests: readonly GuestProcessor[], at: EpochMs): void {
    const { clock, rules } = this.deps;
    if (rules === null) return;
    for (const { instanceId, ...stretch } of guests) {
      // What one slave says of a guest changes nothing of what another says.
      const key = `${slaveId} ${instanceId}`;
      const earlier = inWindow(this.heard.get(key)?.stretches ?? [], at, rules);
      this.heard.set(key, { instanceId, slaveId, atMs: clock.monotonicMs(), stretches: [...earlier, { ...stretch, endedAt: at }] });
    }
  }

  /** One round: begins, worsens and ends violations. `onFault` is told of one that could not be written; the others are. */
  async run(onFault: (error: unknown) => void): Promise<void> {
    const { unitOfWork, clock, rules } = this.deps;
    const now = clock.now();
    const open = new Map((await unitOfWork.read.slaViolations.open()).map((one) => [one.instanceId, one]));
    for (const violation of open.values()) await this.each(onFault, () => this.goOn(violation, now));
    if (rules === null) return;
    for (const [key, { instanceId, slaveId, stretches }] of this.heard) {
      const use = processorUse(stretches, now, rules);
      if (inWindow(stretches, now, rules).length === 0 && open.get(instanceId)?.slaveId !== slaveId) this.heard.delete(key);
      if (!open.has(instanceId) && use !== null && isShort(false, use, rules)) await this.each(onFault, () => this.begin(instanceId, slaveId, use, rules, now));
    }
  }

  /** Newest first; people see those of their own, who runs the site all of them. */
  async list(principal: Principal, query: ViolationQuery): Promise<Page<SlaViolationAnswer>> {
    const own = reach(principal, 'instance.list') === 'own';
    const visibleTo = own ? { userId: principal.userId, ownedGroupIds: principal.role === 'teacher' ? principal.ownedGroupIds : [] } : undefined;
    const { items, next } = await this.deps.unitOfWork.read.slaViolations.page({ ...query, visibleTo });
    return { items: items.map(answerOf), next };
  }

  private async each(onFault: (error: unknown) => void, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      onFault(error);
    }
  }

  private async begin(instanceId: string, slaveId: string, use: ProcessorUse, rules: SlaRules, now: EpochMs): Promise<void> {
    await this.deps.unitOfWork.transaction(async (repositories) => {
      const instance = await repositories.instances.lock(instanceId);
      if (instance?.observed !== 'running' || instance.slaveId !== slaveId) return;
      const [slave, open] = [await repositories.slaves.find(slaveId), await repositories.slaViolations.openOf([instanceId])];
      if (slave === null || open.size > 0) return;
      const sentence = shortSentence(instance.name, slave.name, use, rules);
      const toldLately = await repositories.slaViolations.endedSince(instanceId, now - toldMs);
      await repositories.slaViolations.insert({ id: newId(now), instanceId, slaveId, beganAt: now, worstMissing: use.missing, sentence });
      const kind = 'instance.short-of-processor';
      if (toldLately) await repositories.events.append({ kind, subjectType: 'instance', subjectId: instanceId, actor: 'master', actorUserId: null, clientAddress: null, sentence }, now);
      else await tell(repositories, { userId: instance.userId, kind, subjectType: 'instance', subjectId: instanceId, sentence, decisionId: null }, now);
    });
  }

  /** It ends when the guest gets its due, runs there no more, or nothing was heard of it for ten minutes; else it may have become worse. */
  private async goOn(violation: OpenViolation, now: EpochMs): Promise<void> {
    const { unitOfWork, clock, rules } = this.deps;
    const heard = this.heard.get(`${violation.slaveId} ${violation.instanceId}`);
    const unheard = clock.monotonicMs() - (heard?.atMs ?? this.startedMs) > unheardMs;
    const use = rules === null || heard === undefined ? null : processorUse(heard.stretches, now, rules);
    if (rules === null || !violation.runsThere || unheard || !isShort(true, use, rules)) return this.end(violation, now);
    if (use === null || use.missing < violation.worstMissing + worseBy) return;
    const { read } = unitOfWork;
    const [instance, slave] = await Promise.all([read.instances.find(violation.instanceId), read.slaves.find(violation.slaveId)]);
    if (instance !== null && slave !== null) await read.slaViolations.worsen(violation.id, use.missing, shortSentence(instance.name, slave.name, use, rules));
  }

  private async end(violation: OpenViolation, now: EpochMs): Promise<void> {
    await this.deps.unitOfWork.transaction(async (repositories) => {
      if (!(await repositories.slaViolations.end(violation, now))) return;
      const instance = await repositories.instances.find(violation.instanceId);
      const sentence = `${instance?.name ?? 'An instance that is gone'} is short of a processor no more${violation.runsThere ? '' : ', for it does not run there any more'}.`;
      await repositories.events.append({ kind: 'instance.processor-back', subjectType: 'instance', subjectId: violation.instanceId, actor: 'master', actorUserId: null, clientAddress: null, sentence }, now);
    });
  }
}

function answerOf({ id, instanceId, instanceName, slaveId, beganAt, endedAt, worstMissing, sentence }: NamedViolation): SlaViolationAnswer {
  return { id, instanceId, instanceName, slaveId, beganAt: new Date(beganAt).toISOString(), endedAt: endedAt === null ? null : new Date(endedAt).toISOString(), worstMissing, sentence };
}
