import type { ImageKind } from '@paravcl/shared/domain/image';
import type { Principal, Role } from '@paravcl/shared/domain/people';
import type { Admission, Liveness, Trouble } from '@paravcl/shared/domain/slave';
import { newId } from '@paravcl/shared/ids';
import type { Command, CommandResult } from '@paravcl/shared/protocol/commands';
import type { DesiredInstance, ObservedInstance } from '@paravcl/shared/protocol/desired-instance';
import { protocolVersion } from '@paravcl/shared/protocol/version';
import type { NewImageRecord } from '../../src/repositories/image-record';
import type { SlaveRecord } from '../../src/repositories/slave-record';
import type { UnitOfWork } from '../../src/db/unit-of-work';
import { AgingJob } from '../../src/jobs/aging-job';
import { DeadlineJob } from '../../src/jobs/deadline-job';
import { EndingJob } from '../../src/jobs/ending-job';
import type { Job } from '../../src/jobs/periodic';
import { ResendJob } from '../../src/jobs/resend-job';
import { InstanceConsoleService } from '../../src/services/instance-console-service';
import { InstanceService } from '../../src/services/instance-service';
import {
  defaultParticipation, defaultPriority, defaultQuotas, defaultScheduling,
  type InstanceSettings, type ParticipationSettings, type Quotas, type SchedulingSettings,
} from '../../src/services/instance-settings';
import { InstanceVerbs } from '../../src/services/instance-verbs';
import { JoinTokenService } from '../../src/services/join-token-service';
import { LaunchForecast } from '../../src/services/launch-forecast';
import { ObservationService, type ImpossibleReport } from '../../src/services/observation-service';
import { OperationService } from '../../src/services/operation-service';
import { Participation } from '../../src/services/participation';
import { QueueService } from '../../src/services/queue-service';
import { FleetPulse } from '../../src/services/fleet-pulse';
import type { AgentPort, MigrationLines } from '../../src/services/ports';
import type { OnRecovery, RecoveryPath } from '../../src/services/recovery-paths';
import { SchedulingService } from '../../src/services/scheduling-service';
import { WorkingWorld } from '../../src/services/working-world';
import { plainDescribe } from './agent-double';
import { HandClock } from './hand-clock';
import { sampleImage } from './sample-records';
import { openTestDatabase } from './test-database';

/** Agents as the services see them: what was sent is kept; what nobody expected throws. */
export class AgentsDouble implements AgentPort {
  readonly connected = new Set<string>();
  /** What agents speak whose own protocol nobody named. */
  speaks: number = protocolVersion;
  /** Of agents of another release than this one. */
  readonly protocols = new Map<string, number>();
  readonly pushes: { readonly slaveId: string; readonly desired: DesiredInstance }[] = [];
  readonly forgotten: { readonly slaveId: string; readonly instanceId: string; readonly generation: number }[] = [];
  answer: ((slaveId: string, command: Command) => CommandResult) | null = null;

  isConnected(slaveId: string): boolean {
    return this.connected.has(slaveId);
  }
  protocolOf(slaveId: string): number | null {
    return this.connected.has(slaveId) ? (this.protocols.get(slaveId) ?? this.speaks) : null;
  }
  pushDesired(slaveId: string, instances: readonly DesiredInstance[]): void {
    // As the real one: what is sent to nobody is lost.
    if (this.connected.has(slaveId)) this.pushes.push(...instances.map((desired) => ({ slaveId, desired })));
  }
  forget(slaveId: string, instances: readonly { readonly instanceId: string; readonly generation: number }[]): void {
    this.forgotten.push(...instances.map((instance) => ({ slaveId, ...instance })));
  }
  pushAdmission(): void {
    throw new Error('Nobody expected an admission to be pushed.');
  }
  command(slaveId: string, command: Command): Promise<CommandResult> {
    if (this.answer === null) throw new Error(`Nobody expected the command ${command.kind}.`);
    return Promise.resolve(this.answer(slaveId, command));
  }
  disconnect(): void {
    throw new Error('Nobody expected a disconnect.');
  }
  /** The newest desired state that any slave was sent for this instance. */
  last(instanceId: string): { readonly slaveId: string; readonly desired: DesiredInstance } {
    const found = this.pushes.filter(({ desired }) => desired.instanceId === instanceId).at(-1);
    if (found === undefined) throw new Error(`Nothing was pushed for ${instanceId}.`);
    return found;
  }
}

/** Streams between slaves, where nobody expects any. */
export const noLines: MigrationLines = {
  openLine: () => {
    throw new Error('Nobody expected streams between hosts.');
  },
  closeLine: () => undefined,
};

/** As DEFINITIONS have it. */
export const lostAfterMs = 60_000;
const dayMs = 86_400_000;

export const settings: InstanceSettings = {
  network: { name: 'paravcl', bridge: 'pvcl0', gateway: '10.77.0.1', prefix: 16 },
  defaults: { vcpus: 1, ramMiB: 256 },
  minutes: { min: 60, max: 300, default: 120 },
  instancesPerUser: 100,
  guestUser: 'student',
  timeZone: 'Europe/Berlin',
  homeMiB: 0,
  aging: { suspendedMs: 60 * dayMs, stoppedMs: 90 * dayMs, noticeMs: 7 * dayMs, recycleMs: 7 * dayMs },
  deadlinesMs: {},
};

export interface RigOptions {
  readonly settings?: Partial<InstanceSettings>;
  readonly scheduling?: Partial<SchedulingSettings>;
  readonly participation?: ParticipationSettings;
  readonly quotas?: Quotas;
  /** Pools of more slaves are kept in memory between rounds; 0: all are. */
  readonly readWholeUpTo?: number;
}

export type Rig = Awaited<ReturnType<typeof openRig>>;

/** The instance services over a real database, as `main.ts` composes them. */
export async function openRig(options: RigOptions = {}) {
  const database = await openTestDatabase();
  const clock = new HandClock();
  const agents = new AgentsDouble();
  const unit: UnitOfWork = database.unit;
  const used = { ...settings, ...options.settings };
  const rules = { ...defaultScheduling.rules, criticalShare: 0, timeZone: used.timeZone };
  const scheduling: SchedulingSettings = { ...defaultScheduling, hostRamMiB: 0, rules, ...options.scheduling };
  const { contributingMs } = scheduling;
  const { timeZone } = used;
  const priority = { ...defaultPriority, contributingMs, timeZone };
  const quotas = options.quotas ?? defaultQuotas;
  const faults: unknown[] = [];
  /** How many slaves the scheduler thought other than they were, each time. */
  const drifts: number[] = [];
  const worlds: WorkingWorld[] = [];
  const { readWholeUpTo } = options;
  const impossible: ImpossibleReport[] = [];
  const recoveries: RecoveryPath[] = [];
  /** Called when one of the slaves of a live migration said something new. */
  const migrationHeard: { call: () => void } = { call: () => undefined };
  const onRecovery: OnRecovery = (path) => void recoveries.push(path);
  const pulse = new FleetPulse(clock);
  const onFault = (error: unknown) => void faults.push(error);
  /** A job whose faults are the rig's. */
  const told = (job: Job) => ({ run: () => job.run(onFault) });

  /** Services as after a start of the master: nothing in memory, everything in the database. */
  const compose = () => {
    const kept = new WorkingWorld({ read: unit.read, changes: database.changes, agents, figures: pulse, scheduling, onDrift: (slaves) => drifts.push(slaves), ...(readWholeUpTo === undefined ? {} : { readWholeUpTo }) });
    worlds.push(kept);
    const scheduler = new SchedulingService({ unitOfWork: unit, agents, clock, settings: used, scheduling, world: kept, onFault, onRecovery });
    const observations = new ObservationService({ unitOfWork: unit, agents, scheduler, clock, settings: used, onFault, onRecovery, onImpossible: (report) => impossible.push(report), onMigration: () => migrationHeard.call() });
    const world = { agents, figures: pulse, scheduling };
    const joinTokens = new JoinTokenService(unit, clock, { url: 'https://localhost:8443', caFingerprint: null });
    const participation = new Participation({ settings: options.participation ?? defaultParticipation, contributingMs, timeZone, joinTokens });
    const forecast = new LaunchForecast({ world: kept, scheduling, unitOfWork: unit, clock, settings: used, priority, participation, quotas });
    const instances = new InstanceService({ unitOfWork: unit, agents, scheduler, figures: pulse, clock, settings: used, scheduling, priority, participation, quotas, forecast, onFault });
    const verbs = new InstanceVerbs({ ...world, unitOfWork: unit, scheduler, clock, settings: used, priority, quotas, onFault });
    const queue = new QueueService({ world: kept, scheduling, unitOfWork: unit, clock });
    const consoles = new InstanceConsoleService(unit, agents, used.timeZone, clock);
    const operations = new OperationService(unit);
    const deadlines = told(new DeadlineJob(unit, clock, used, scheduler, { lostAfterMs }, onRecovery));
    const endings = told(new EndingJob({ unitOfWork: unit, agents, scheduler, clock, settings: used, onRecovery }));
    const aging = told(new AgingJob({ unitOfWork: unit, agents, scheduler, clock, settings: used }));
    const resend = told(new ResendJob(unit, agents, used.guestUser));
    scheduler.start();
    return { world: kept, scheduler, observations, instances, verbs, consoles, operations, deadlines, endings, aging, resend, forecast, participation, queue };
  };
  const services = compose();

  const person = async (role: Role, name: string): Promise<Principal> => {
    const userId = newId(clock.now());
    await unit.transaction((repositories) =>
      repositories.users.insert({ id: userId, name, displayName: name, role, passwordHash: null, primaryGroupId: null, sshPublicKeys: [] }, clock.now()),
    );
    return { userId, userName: name, role, groupIds: [], ownedGroupIds: [], sessionId: newId(clock.now()) };
  };

  let macs = 0;
  const slave = async (
    name: string,
    facts: { readonly cores?: number; readonly ramTotalMiB?: number; readonly poolTotalMiB?: number; readonly admission?: Admission; readonly liveness?: Liveness; readonly connected?: boolean; readonly troubles?: readonly Trouble[] } = {},
  ): Promise<string> => {
    const id = newId(clock.now());
    const mac = `02:00:00:00:00:${(++macs).toString(16).padStart(2, '0')}`;
    const pool = facts.poolTotalMiB ?? 1_000_000;
    const plain = plainDescribe(mac);
    const record: SlaveRecord = {
      id,
      name,
      kind: 'dedicated',
      ownerUserId: null,
      maxConnections: null,
      admission: facts.admission ?? 'approved',
      admissionReason: null,
      liveness: facts.liveness ?? 'online',
      publicKey: `key-of-${id}`,
      machineId: id.replaceAll('-', ''),
      macs: [mac],
      enrolledAddress: null,
      address: '127.0.0.1',
      presented: null,
      describe: {
        ...plain,
        cores: facts.cores ?? 4,
        ramTotalMiB: facts.ramTotalMiB ?? 8192,
        ramAvailableMiB: facts.ramTotalMiB ?? 8192,
        poolTotalMiB: pool,
        poolAvailableMiB: pool,
        hypervisor: { ...plain.hypervisor, usable: true },
        troubles: [...(facts.troubles ?? [])],
      },
      foreignDomains: [],
      agentBuild: null,
      epoch: 1,
      lastSeenAt: clock.now(),
      declaredDeadAt: null,
      createdAt: clock.now(),
    };
    await unit.transaction((repositories) => repositories.slaves.insert(record));
    if (facts.connected ?? true) agents.connected.add(id);
    return id;
  };

  let images = 0;
  /** A version of a family of its own; ready ones are in production. */
  const image = async (virtualSizeMiB = 64, kind: ImageKind = 'disk', state: 'ready' | 'uploading' = 'ready', facts: Partial<NewImageRecord> = {}): Promise<string> => {
    const record = sampleImage({ kind, virtualSizeMiB, state, friendlyId: `EMI-UBUNTU-${(++images).toString()}`, ...facts });
    await unit.transaction(async (repositories) => {
      await repositories.images.insert(record);
      await repositories.imageFamilies.insert({
        id: record.familyId, kind, name: `Ubuntu ${images.toString()}`, description: '', versionsMade: record.version, productionImageId: state === 'ready' ? record.id : null,
        createdByUserId: record.createdByUserId, createdAt: clock.now(),
      });
    });
    return record.id;
  };

  /** The slave that was told last answers, under the generation it was told. */
  const report = async (instanceId: string, state: ObservedInstance['state'], more: Partial<ObservedInstance> = {}, on = services): Promise<void> => {
    const { slaveId, desired } = agents.last(instanceId);
    await on.observations.observed(slaveId, [{ instanceId, generation: desired.generation, state, reason: null, progressPercent: null, ...more }]);
    await on.scheduler.idle();
  };

  return {
    ...services, database, unit, clock, settings: used, scheduling, priority, quotas, agents, pulse, faults, drifts, impossible, recoveries, migrationHeard, compose, person, slave, image, report,
    close: async () => {
      await services.scheduler.stop();
      for (const world of worlds) world.close();
      await database.close();
    },
  };
}
