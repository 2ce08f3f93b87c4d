import { sleep, type Clock, type EpochMs } from '@paravcl/shared/clock';
import { connectionKindSchema, type Connection } from '@paravcl/shared/domain/connection';
import { observedStateSchema } from '@paravcl/shared/domain/instance-state';
import { holdingReservationStates } from '@paravcl/shared/domain/reservation';
import { admissionSchema, livenessSchema } from '@paravcl/shared/domain/slave';
import { statfs } from 'node:fs/promises';
import { Gauge, type Registry } from 'prom-client';
import type { MonitoringRepository } from '../repositories/monitoring-repository';
import type { MonitoredNow } from './monitoring-service';

export interface SiteMetricsDeps {
  readonly clock: Clock;
  readonly books: Pick<MonitoringRepository, 'instancesByState' | 'reservationsByState' | 'queue'>;
  readonly monitoring: { now(): Promise<MonitoredNow> };
  readonly connections: { readonly everyone: readonly Pick<Connection, 'kind'>[] };
  readonly feedListeners: () => number;
  readonly isReady: () => Promise<boolean>;
  readonly storeDirectory: string;
  /** Of the certificate that is shown to browsers and agents now. */
  readonly certificateUntil: () => EpochMs;
  /** What could not be read: its metrics are left out of that answer. */
  readonly onFault: (error: unknown) => void;
}

/** However often it is scraped, the books are asked this often. */
const freshMs = 5000;
/** Of more slaves there are no metrics of their own: each is a time series for every figure, for as long as Prometheus keeps them. */
export const mostSlavesShown = 200;
/** Prometheus hears what is known without the books also while those say nothing. */
const answerWithinMs = 2000;
const MiB = 1024 * 1024;

interface Measured {
  readonly now: MonitoredNow;
  readonly instances: ReadonlyMap<string, number>;
  readonly reservations: ReadonlyMap<string, number>;
  readonly queue: Awaited<ReturnType<MonitoringRepository['queue']>>;
  readonly queryMs: number;
  readonly store: { readonly bytes: number; readonly free: number };
}

/** A value and its labels. */
type Point = readonly [labels: Readonly<Record<string, string>>, value: number];
type Points = (seen: Measured) => readonly Point[];

/** What Prometheus is told of the site: the numbers of `/monitoring`, with labels of which there are few. */
export function registerSiteMetrics(registry: Registry, deps: SiteMetricsDeps): void {
  const { clock, connections } = deps;
  let kept: { readonly madeAt: number; readonly measured: Promise<Measured | null> } | null = null;
  const measured = (): Promise<Measured | null> => {
    if (kept === null || clock.monotonicMs() - kept.madeAt >= freshMs) {
      const books = measure(deps).catch((error: unknown) => (deps.onFault(error), null));
      kept = { madeAt: clock.monotonicMs(), measured: Promise.race([books, sleep(clock, answerWithinMs).then(() => null)]) };
    }
    return kept.measured;
  };
  const gauge = (name: string, help: string, labelNames: readonly string[], points: Points): void => {
    new Gauge({
      name: `paravcl_${name}`, help, labelNames: [...labelNames], registers: [registry],
      async collect() {
        const seen = await measured();
        this.reset();
        // Prometheus takes what is not there for unknown, and a 0 for true.
        if (seen === null) return labelNames.length === 0 ? this.remove() : undefined;
        for (const [labels, value] of points(seen)) this.set(labels, value);
      },
    });
  };
  const perSlave = (of: (slave: MonitoredNow['slaves'][number]) => number): Points => ({ now: { slaves } }) => (slaves.length > mostSlavesShown ? [] : slaves.map((slave) => [{ slave: slave.name }, of(slave)]));
  const room = (lent: number, promised: number): readonly Point[] => [[{ what: 'lent' }, lent], [{ what: 'promised' }, promised], [{ what: 'free' }, Math.max(0, lent - promised)]];

  gauge('instances', 'Instances by observed state; deleted ones are not counted.', ['state'], ({ instances }) => observedStateSchema.options.filter((state) => state !== 'deleted').map((state) => [{ state }, instances.get(state) ?? 0]));
  gauge('slaves', 'Hosts by admission and liveness; retired ones are not counted.', ['admission', 'liveness'], ({ now: { slaves } }) =>
    admissionSchema.options.filter((admission) => admission !== 'retired').flatMap((admission) => livenessSchema.options.map((liveness): Point => [{ admission, liveness }, slaves.filter((slave) => slave.admission === admission && slave.liveness === liveness).length])));
  gauge('pool_vcpus', 'Cores of the hosts that are given guests now: lent in all, promised, free.', ['what'], ({ now: { site } }) => room(site.vcpus.lent, site.vcpus.promised));
  gauge('pool_ram_bytes', 'RAM of the hosts that are given guests now: lent in all, promised, free.', ['what'], ({ now: { site } }) => room(site.ramMiB.lent * MiB, site.ramMiB.promised * MiB));
  gauge('slave_takes_guests', `1 when the host is given guests now, else 0. Only while there are ${mostSlavesShown} hosts or fewer.`, ['slave'], perSlave(({ takesGuests }) => (takesGuests ? 1 : 0)));
  gauge('slave_lost', `1 when nothing was heard of an approved or draining host for longer than the site waits. Only while there are ${mostSlavesShown} hosts or fewer.`, ['slave'], perSlave(({ liveness, admission }) => (liveness === 'lost' && (admission === 'approved' || admission === 'draining') ? 1 : 0)));
  gauge('slave_promised_vcpus', `Cores promised of the host. Only while there are ${mostSlavesShown} hosts or fewer.`, ['slave'], perSlave(({ vcpus }) => vcpus.promised));
  gauge('slave_load1', `One-minute load average of the host, as it said last. Only while there are ${mostSlavesShown} hosts or fewer.`, ['slave'], perSlave(({ load1 }) => load1));
  gauge('queue_length', 'Instances that wait to run.', [], ({ queue }) => [[{}, queue.length]]);
  gauge('queue_oldest_wait_seconds', 'How long the one that waits longest has waited; 0 when nobody waits.', [], ({ queue: { oldestAt } }) => [[{}, oldestAt === null ? 0 : Math.max(0, (clock.now() - oldestAt) / 1000)]]);
  gauge('reservations', 'Reservations that hold room, by state.', ['state'], ({ reservations }) => holdingReservationStates.map((state) => [{ state }, reservations.get(state) ?? 0]));
  gauge('violations', 'What was promised and is not kept: reservations at risk, claims late, instances lost in the last 24 h, instances short of a processor.', ['kind'], ({ now: { site: { violations } } }) => [[{ kind: 'at-risk' }, violations.atRisk], [{ kind: 'late' }, violations.late], [{ kind: 'lost' }, violations.lost], [{ kind: 'short' }, violations.short]]);
  gauge('store_size_bytes', 'Size of the file system that images are kept in.', [], ({ store }) => [[{}, store.bytes]]);
  gauge('store_free_bytes', 'Free room of the file system that images are kept in.', [], ({ store }) => [[{}, store.free]]);
  gauge('database_answer_seconds', 'How long the database took for the newest count of the queue.', [], ({ queryMs }) => [[{}, queryMs / 1000]]);

  // Known without the books, and told also while those are away.
  new Gauge({ name: 'paravcl_ready', help: '1 when /readyz says yes, else 0.', registers: [registry], async collect() { this.set((await Promise.race([deps.isReady(), sleep(clock, answerWithinMs).then(() => false)])) ? 1 : 0); } });
  new Gauge({ name: 'paravcl_feed_listeners', help: 'Browsers and programs that listen to the feed.', registers: [registry], collect() { this.set(deps.feedListeners()); } });
  new Gauge({
    name: 'paravcl_connections', help: 'Connections to guests that are open now, by kind.', labelNames: ['kind'], registers: [registry],
    collect() {
      for (const kind of connectionKindSchema.options) this.set({ kind }, connections.everyone.filter((each) => each.kind === kind).length);
    },
  });
  new Gauge({ name: 'paravcl_certificate_expiry_timestamp_seconds', help: 'When the certificate of the master ends, in seconds since 1970.', registers: [registry], collect() { this.set(deps.certificateUntil() / 1000); } });
}

async function measure({ clock, books, monitoring, storeDirectory }: SiteMetricsDeps): Promise<Measured> {
  const begun = clock.monotonicMs();
  const queue = await books.queue();
  const queryMs = clock.monotonicMs() - begun;
  const [now, instances, reservations, { blocks, bavail, bsize }] = await Promise.all([monitoring.now(), books.instancesByState(), books.reservationsByState(), statfs(storeDirectory)]);
  return { now, instances, reservations, queue, queryMs, store: { bytes: blocks * bsize, free: bavail * bsize } };
}

