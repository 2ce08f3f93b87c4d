import { readFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import type { StreamHello } from '@paravcl/shared/protocol/streams';
import type { Logger } from 'pino';
import { Agent } from './agent/agent';
import { GuestMigrations } from './agent/guest-migrations';
import { Journal } from './agent/journal';
import { composeHost, describer, kvmVerdict } from './compose-host';
import type { Config } from './config';
import { GuestConsoles } from './consoles/guest-consoles';
import { parseMeminfo } from './describe/memory';
import { lentRamMiB } from './describe/offer';
import { readEnrolment, trustOf } from './link/enrolment-record';
import { readAgentKey, readBootId, readMachineId } from './link/identity';
import type { HostClock } from './lab-clock';
import { LastContact } from './last-contact';
import { DeltaUpload } from './link/delta-upload';
import { GuestPorts } from './link/guest-port';
import { MasterLink } from './link/master-link';
import { dialStream } from './link/master-stream';
import { StreamJoins, type StreamTargets } from './link/stream-joins';
import { lockState } from './state-lock';

export const journalDirectory = (config: Config): string => join(config.stateDir, 'journal');
export const lastContactFile = (config: Config): string => join(config.stateDir, 'last-contact');
export const lastReportFile = (config: Config): string => join(config.stateDir, 'last-report.json');

export interface RunningAgent {
  /** Ends the agent and closes its journal; guests go on. */
  stop(): Promise<void>;
}

interface StreamEnds {
  readonly migrations: GuestMigrations;
  readonly consoles: GuestConsoles;
  readonly ports: GuestPorts;
}

/** Streams lead to guests that come here as they run, and to consoles and ports of those that do. */
function streamTargets({ migrations, consoles, ports }: StreamEnds): StreamTargets {
  return {
    connect: (end) => {
      switch (end.kind) {
        case 'migration':
          return migrations.connect(end);
        case 'screen':
        case 'serial':
          return consoles.connect(end);
        case 'port':
          return ports.connect(end);
      }
    },
  };
}

/** Puts the agent of this host together and starts it. Throws when the host is not enrolled. */
export async function startAgent(config: Config, clock: HostClock, log: Logger, build: string, ready: () => void): Promise<RunningAgent> {
  const enrolment = await readEnrolment(config.stateDir);
  const key = await readAgentKey(config.stateDir);
  if (enrolment === null || key === null) {
    throw new Error('This host is not enrolled. Ask an operator of the lab for a join token, then: paravcl-slave enrol --master https://MASTER');
  }
  const unlock = await lockState(config.stateDir);
  const [trust, machineId, hostBootId, kvm] = await Promise.all([trustOf(config.stateDir, enrolment), readMachineId(config.machineIdFile), readBootId(), kvmVerdict(config)]);
  const journal = await Journal.open(journalDirectory(config), log, {
    onBroken: (error) => {
      log.fatal({ err: error, directory: journalDirectory(config) }, 'the journal cannot be written, and not for want of room: look at the disk. No order can be kept: the agent ends, guests go on, and its service starts it again');
      // Crash-only: nothing after this moment could be remembered, so nothing after it is done.
      process.exit(1);
    },
  });
  const { driver, store, snapshots, homes, migration, publicNetwork, mirror } = await composeHost(config, clock, enrolment.slaveId, kvm, { hostBootId, log });
  log.info({ slave: enrolment.name, slaveId: enrolment.slaveId, master: enrolment.masterUrl, driver: config.driver, kvm: kvm.why }, 'the agent starts');
  let link: MasterLink | null = null;
  const dial = (hello: StreamHello): Promise<Duplex> => dialStream({ clock, masterUrl: enrolment.masterUrl, ...trust }, hello);
  const migrations = new GuestMigrations({ journal, store, migration, dial });
  const consoles = new GuestConsoles({ clock, driver, store });
  const ports = new GuestPorts({ journal, driver, simulated: config.driver === 'simulated' });
  const streams = new StreamJoins({ targets: streamTargets({ migrations, consoles, ports }), dial });
  const lastContact = new LastContact(lastContactFile(config), clock, () => link?.lastContactAt ?? null);
  const agent = await Agent.start({
    clock,
    log,
    journal,
    driver,
    store,
    snapshots,
    homes,
    migrations,
    upload: new DeltaUpload({ clock, log, random: Math.random, masterUrl: enrolment.masterUrl, ...trust, contentToken: () => link?.contentToken ?? null }),
    streams,
    build,
    machineId,
    hostBootId,
    uptimeMs: () => clock.uptimeMs(),
    lastReportPath: lastReportFile(config),
    diskSlots: config.diskSlots,
    mirror,
    publicNetwork,
    pool: config.driver === 'simulated' ? null : { directory: config.poolDir, reserveMiB: config.poolReserveMiB },
    ready,
    describe: describer(config, clock, kvm, driver),
    load: async () => ({
      load1: loadavg()[0] ?? 0,
      ramAvailableMiB: lentRamMiB(parseMeminfo(await readFile('/proc/meminfo', 'utf8')).availableMiB, config.offer),
      poolAvailableMiB: (await store.space()).availableMiB,
    }),
    connect: (handlers) =>
      (link = new MasterLink({
        clock,
        log,
        random: Math.random,
        masterUrl: enrolment.masterUrl,
        ...trust,
        slaveId: enrolment.slaveId,
        siteId: enrolment.siteId,
        key,
        ...handlers,
      })),
  });
  lastContact.start();
  return {
    stop: async () => {
      streams.stop();
      await agent.stop();
      await lastContact.stop();
      await journal.close();
      unlock();
    },
  };
}

