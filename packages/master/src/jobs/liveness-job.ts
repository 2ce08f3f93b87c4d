import type { Clock } from '@paravcl/shared/clock';
import type { Liveness } from '@paravcl/shared/domain/slave';
import { judgeLiveness, type LivenessThresholds } from '../core/liveness';
import type { UnitOfWork } from '../db/unit-of-work';
import type { FleetPulse } from '../services/fleet-pulse';
import type { AgentReports } from '../services/ports';

/**
 * Applies silence to the books: who was not heard of becomes suspect, then lost, and whoever plans is
 * told. Coming back is recorded by the hello itself, or here when only frames were late.
 * What follows the loss or the retirement of a slave is asked for in every round until its instances say
 * so: a master can be killed between the two.
 */
export class LivenessJob {
  private readonly startedAtMs: number;

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly clock: Clock,
    private readonly pulse: FleetPulse,
    private readonly reports: AgentReports,
    private readonly thresholds: LivenessThresholds,
  ) {
    this.startedAtMs = clock.monotonicMs();
  }

  /** One round; run it every second or so. `onFault` is told of a slave that could not be handled; the others are. */
  async run(onFault: (error: unknown) => void): Promise<void> {
    for (const slave of await this.unitOfWork.read.slaves.listLiveness()) {
      try {
        await this.judge(slave);
      } catch (error) {
        onFault(error);
      }
    }
    for (const slaveId of await this.unitOfWork.read.slaves.withUntoldLoss()) {
      try {
        await this.reports.fleetChanged(slaveId);
      } catch (error) {
        onFault(error);
      }
    }
  }

  private async judge(slave: { readonly id: string; readonly name: string; readonly liveness: Liveness }): Promise<void> {
    // Asked at the moment of judging: a hello may have come while earlier slaves were written.
    const liveness = judgeLiveness({ stored: slave.liveness, heardAtMs: this.pulse.heardAtMs(slave.id) }, this.clock.monotonicMs(), this.startedAtMs, this.thresholds);
    if (liveness !== slave.liveness && (await this.apply(slave, liveness))) await this.reports.fleetChanged(slave.id);
  }

  private async apply(slave: { readonly id: string; readonly name: string; readonly liveness: Liveness }, to: Liveness): Promise<boolean> {
    const now = this.clock.now();
    return this.unitOfWork.transaction(async (repositories) => {
      if (!(await repositories.slaves.moveLiveness(slave.id, slave.liveness, to))) return false;
      await repositories.events.append(
        { kind: `slave.${to}`, subjectType: 'slave', subjectId: slave.id, actor: 'master', actorUserId: null, clientAddress: null, sentence: this.sentence(slave, to) },
        now,
      );
      return true;
    });
  }

  private sentence(slave: { readonly name: string; readonly liveness: Liveness }, to: Liveness): string {
    const seconds = (ms: number): string => `${ms / 1000} s`;
    switch (to) {
      case 'online':
        return `${slave.name} is heard again (it was ${slave.liveness}).`;
      case 'suspect':
        return `Nothing was heard of ${slave.name} for ${seconds(this.thresholds.suspectAfterMs)}.`;
      case 'lost':
        return `Nothing was heard of ${slave.name} for ${seconds(this.thresholds.lostAfterMs)}: it counts as lost. What runs on it is started nowhere else.`;
    }
  }
}
