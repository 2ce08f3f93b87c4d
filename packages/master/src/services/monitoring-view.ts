import type { Application, MonitoredSite, MonitoredSlave, Violations } from '@paravcl/shared/api/monitoring';
import type { Connection } from '@paravcl/shared/domain/connection';
import type { Describe } from '@paravcl/shared/domain/slave';
import { takesPart } from '../core/room-now';
import type { SlaveView } from '../core/snapshot';
import type { ApplicationOnSlave, ViolationOn } from '../repositories/monitoring-repository';
import type { Sample } from './fleet-history';
import { unknownLinkMbps } from './fleet-view';
import { sentenceOf } from './pool-service';

/** Everything that is counted, as it was read. */
export interface Observed {
  readonly slaves: readonly { readonly view: SlaveView; readonly describe: Describe; readonly maxConnections: number | null }[];
  readonly applications: readonly ApplicationOnSlave[];
  readonly violations: Readonly<Record<keyof Violations, readonly ViolationOn[]>>;
  readonly connections: readonly Pick<Connection, 'userId' | 'slaveId'>[];
  /** For slaves of which nothing else is set. */
  readonly connectionsPerSlave: number;
  readonly queued: number;
}

export interface Monitored {
  readonly site: MonitoredSite;
  readonly slaves: MonitoredSlave[];
}

/** The numbers of every slave and of the site. */
export function monitored(seen: Observed): Monitored {
  const slaves = [...seen.slaves].sort((a, b) => a.view.name.localeCompare(b.view.name, 'en', { numeric: true })).map((slave) => slaveOf(slave, seen));
  return { site: siteOf(slaves, seen), slaves };
}

function slaveOf({ view, describe, maxConnections }: Observed['slaves'][number], { applications, violations, connections, connectionsPerSlave }: Observed): MonitoredSlave {
  const { id, name, kind, admission, liveness, capacity, promised } = view;
  const here = <T extends { readonly slaveId: string }>(all: readonly T[]): readonly T[] => all.filter(({ slaveId }) => slaveId === id);
  const images = here(applications).map(({ imageId, name: image, deployed, running }): Application => ({ imageId, name: image, deployed, running }));
  return {
    id, name, kind, admission, liveness,
    takesGuests: takesPart(view),
    troubled: view.troubles.length > 0 || view.clockWrong !== null || !view.hypervisor.usable,
    sentence: sentenceOf(view),
    applications: images,
    deployed: sum(images, (image) => image.deployed),
    running: sum(images, (image) => image.running),
    usersConnected: people(here(connections)),
    connectionsUsed: here(connections).length,
    connectionsMost: maxConnections ?? connectionsPerSlave,
    vcpus: { lent: capacity.vcpus, promised: promised.vcpus },
    ramMiB: { lent: whole(capacity.ramMiB), promised: promised.ramMiB, available: whole(describe.ramAvailableMiB) },
    diskMiB: { lent: whole(capacity.diskMiB), promised: promised.diskMiB, available: whole(view.poolAvailableMiB) },
    bandwidthMbps: { lent: capacity.bandwidthMbps === unknownLinkMbps ? null : capacity.bandwidthMbps, promised: promised.bandwidthMbps },
    cores: describe.cores,
    relativeSpeed: capacity.speed ?? describe.relativeSpeed,
    load1: describe.load1,
    violations: counts(violations, (all) => here(all)),
  };
}

function siteOf(slaves: readonly MonitoredSlave[], { violations, connections, queued }: Observed): MonitoredSite {
  const taking = slaves.filter(({ takesGuests }) => takesGuests);
  const measured = (of: (slave: MonitoredSlave) => MonitoredSlave['ramMiB']): MonitoredSlave['ramMiB'] => ({
    lent: sum(taking, (slave) => of(slave).lent), promised: sum(taking, (slave) => of(slave).promised), available: sum(taking, (slave) => of(slave).available),
  });
  return {
    slaves: slaves.length,
    slavesTakingGuests: taking.length,
    queued,
    deployed: sum(slaves, ({ deployed }) => deployed),
    running: sum(slaves, ({ running }) => running),
    usersConnected: people(connections),
    connectionsUsed: connections.length,
    connectionsMost: sum(taking, ({ connectionsMost }) => connectionsMost),
    vcpus: { lent: sum(taking, ({ vcpus }) => vcpus.lent), promised: sum(taking, ({ vcpus }) => vcpus.promised) },
    ramMiB: measured(({ ramMiB }) => ramMiB),
    diskMiB: measured(({ diskMiB }) => diskMiB),
    // A reservation with machines on several slaves is one.
    violations: counts(violations, (all) => all),
  };
}

/** What is kept of this moment for the plots. A slave that is not heard has a load that nobody knows. */
export function sampleOfSlave({ vcpus, load1, ramMiB, running, connectionsUsed, usersConnected, liveness }: MonitoredSlave, ramTotalMiB: number): Sample {
  const isHeard = liveness === 'online';
  return { vcpusPromised: vcpus.promised, load1: isHeard ? load1 : null, ramPromisedMiB: ramMiB.promised, ramUsedMiB: isHeard ? Math.max(0, ramTotalMiB - ramMiB.available) : null, running, connections: connectionsUsed, users: usersConnected };
}

/** The same of the site, summed over what is known. */
export function sampleOfSite({ vcpus, ramMiB, running, connectionsUsed, usersConnected }: MonitoredSite, slaves: readonly Sample[]): Sample {
  return { vcpusPromised: vcpus.promised, load1: sum(slaves, ({ load1 }) => load1 ?? 0), ramPromisedMiB: ramMiB.promised, ramUsedMiB: sum(slaves, ({ ramUsedMiB }) => ramUsedMiB ?? 0), running, connections: connectionsUsed, users: usersConnected };
}

function counts(violations: Observed['violations'], among: (all: readonly ViolationOn[]) => readonly ViolationOn[]): Violations {
  const each = (all: readonly ViolationOn[]): number => new Set(among(all).map(({ id }) => id)).size;
  return { atRisk: each(violations.atRisk), late: each(violations.late), lost: each(violations.lost), short: each(violations.short) };
}

const people = (connections: Observed['connections']): number => new Set(connections.map(({ userId }) => userId)).size;
const whole = (mib: number): number => Math.max(0, Math.floor(mib));
const sum = <T>(all: readonly T[], amount: (each: T) => number): number => all.reduce((total, each) => total + amount(each), 0);
