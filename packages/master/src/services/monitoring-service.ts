import type { Clock, EpochMs } from '@paravcl/shared/clock';
import type { Connection } from '@paravcl/shared/domain/connection';
import { ParavclError } from '@paravcl/shared/errors';
import type { UnitOfWork } from '../db/unit-of-work';
import { FleetHistory, historyFigures, mostSlavesKept, type Columns, type Sample } from './fleet-history';
import { monitored, sampleOfSite, sampleOfSlave, type Monitored } from './monitoring-view';
import type { WorkingWorld } from './working-world';

export interface MonitoringServiceDeps {
  readonly unitOfWork: UnitOfWork;
  readonly world: Pick<WorkingWorld, 'now'>;
  readonly clock: Clock;
  readonly connections: { readonly everyone: readonly Pick<Connection, 'userId' | 'slaveId'>[] };
  readonly connectionsPerSlave: number;
}

export interface MonitoredNow extends Monitored {
  readonly at: EpochMs;
  /** RAM of each host in all, by its id. */
  readonly ramTotalMiB: ReadonlyMap<string, number>;
}

export interface HistoryAnswer {
  readonly since: string;
  readonly sentence: string | null;
  readonly history: Columns;
}

export const sampleEveryMs = 60_000;
const hourMs = 3_600_000;
/** However many look at once, the books are read this often. */
const freshMs = 3000;
/** A machine that was lost counts this long. */
const lostCountsMs = 24 * hourMs;

/** What runs where, what of it is used, and how that was in the last day. A job: it takes a sample. */
export class MonitoringService {
  private readonly history: FleetHistory;
  private kept: { readonly madeAt: number; readonly now: Promise<MonitoredNow> } | null = null;

  constructor(private readonly deps: MonitoringServiceDeps) {
    this.history = new FleetHistory(deps.clock.now());
  }

  /** As of now, or of some seconds ago. */
  async now(): Promise<MonitoredNow> {
    const { clock } = this.deps;
    if (this.kept !== null && clock.monotonicMs() - this.kept.madeAt < freshMs) return this.kept.now;
    const now = this.look();
    const kept = { madeAt: clock.monotonicMs(), now };
    this.kept = kept;
    now.catch(() => {
      if (this.kept === kept) this.kept = null;
    });
    return now;
  }

  /** The last hours of a slave, or of the site. Throws `not-found`. */
  async past(slaveId: string | null, hours: number): Promise<HistoryAnswer> {
    const { clock } = this.deps;
    const from = clock.now() - hours * hourMs;
    const slave = slaveId === null ? null : (await this.now()).slaves.find(({ id }) => id === slaveId);
    if (slave === undefined) throw new ParavclError('not-found', `There is no host ${slaveId ?? ''} in the pool.`);
    const history = this.history.since(slaveId, from);
    return { since: new Date(this.history.startedAt).toISOString(), sentence: this.whyLess(slave?.name ?? 'the site', history, from), history: history ?? nothing };
  }

  async run(): Promise<void> {
    const { at, site, slaves, ramTotalMiB } = await this.look();
    const samples = new Map(slaves.map((slave): [string, Sample] => [slave.id, sampleOfSlave(slave, ramTotalMiB.get(slave.id) ?? 0)]));
    this.history.record(at, sampleOfSite(site, [...samples.values()]), samples);
  }

  private whyLess(name: string, history: Columns | null, from: EpochMs): string | null {
    if (history === null || history.at.length === 0) return this.history.isFull ? `No history is kept of ${name}: the master keeps that of ${mostSlavesKept} hosts. Prometheus keeps more (docs/monitoring.md).` : `Nothing is kept of ${name} yet: a point is taken each minute.`;
    return this.history.startedAt > from ? 'The master was started since then, and keeps these figures in its memory.' : null;
  }

  private async look(): Promise<MonitoredNow> {
    const { unitOfWork: { read }, clock, connections, connectionsPerSlave } = this.deps;
    const at = clock.now();
    const [world, applications, atRisk, late, lost, short, queue] = await Promise.all([
      this.deps.world.now(at, []),
      read.monitoring.applications(),
      read.monitoring.reservationsAtRisk(),
      read.monitoring.claimsWaiting(at),
      read.monitoring.lostSince(at - lostCountsMs),
      read.monitoring.shortOfProcessor(),
      read.monitoring.queue(),
    ]);
    const slaves = world.snapshot.slaves.flatMap((view) => {
      const slave = world.slaves.get(view.id);
      return slave === undefined ? [] : [{ view, describe: slave.describe, maxConnections: slave.maxConnections }];
    });
    const ramTotalMiB = new Map(slaves.map(({ view, describe }) => [view.id, describe.ramTotalMiB]));
    return { at, ramTotalMiB, ...monitored({ slaves, applications, violations: { atRisk, late, lost, short }, connections: connections.everyone, connectionsPerSlave, queued: queue.length }) };
  }
}

const nothing: Columns = { at: [], ...(Object.fromEntries(historyFigures.map((figure) => [figure, []])) as unknown as Omit<Columns, 'at'>) };
