import type { EpochMs } from '@paravcl/shared/clock';
import type { Admission, Describe, ForeignDomain, Liveness, SlaveKind } from '@paravcl/shared/domain/slave';
import { parseJson } from '@paravcl/shared/parse-json';

/** What a quarantined slave with the right key showed last; an operator may adopt it. */
export interface ShownIdentity {
  readonly machineId: string;
  readonly macs: readonly string[];
  readonly address: string;
  readonly epoch: number;
}

/** A slave as stored. Times are epoch milliseconds. */
export interface SlaveRecord {
  readonly id: string;
  readonly name: string;
  readonly kind: SlaveKind;
  readonly ownerUserId: string | null;
  /** Open at a time to its guests; null: as the configuration says. */
  readonly maxConnections: number | null;
  /** As somebody set it; null or absent: as its agent measured. */
  readonly speed?: number | null;
  readonly admission: Admission;
  readonly admissionReason: string | null;
  readonly liveness: Liveness;
  readonly publicKey: string;
  readonly machineId: string;
  readonly macs: readonly string[];
  readonly enrolledAddress: string | null;
  readonly address: string | null;
  readonly presented: ShownIdentity | null;
  readonly describe: Describe;
  readonly foreignDomains: readonly ForeignDomain[];
  readonly agentBuild: string | null;
  /** Highest count of agent starts seen; 0 before the first hello. */
  readonly epoch: number;
  readonly lastSeenAt: EpochMs | null;
  /** When an administrator said that it will not come back with what it has; null again with its next hello. */
  readonly declaredDeadAt: EpochMs | null;
  readonly createdAt: EpochMs;
}

export interface SlaveRow {
  id: string;
  name: string;
  kind: SlaveKind;
  owner_user_id: string | null;
  max_connections: number | null;
  speed: number | null;
  admission: Admission;
  admission_reason: string | null;
  liveness: Liveness;
  public_key: string;
  machine_id: string;
  macs: string;
  enrolled_address: string | null;
  address: string | null;
  presented: string | null;
  describe_data: string;
  foreign_domains: string;
  agent_build: string | null;
  epoch: number;
  last_seen_at: Date | null;
  declared_dead_at: Date | null;
  created_at: Date;
  /** The figures of its last heartbeat, where its row of `slave_pulses` was read along. */
  seen_at?: Date | null;
  load1?: number | null;
  ram_available_mib?: number | null;
  pool_available_mib?: number | null;
  clock_offset_ms?: number | null;
}

export const pulseColumns = ['seen_at', 'load1', 'ram_available_mib', 'pool_available_mib', 'clock_offset_ms'] as const;

export const slaveColumns: readonly (keyof SlaveRow)[] = [
  'id', 'name', 'kind', 'owner_user_id', 'max_connections', 'speed', 'admission', 'admission_reason', 'liveness', 'public_key', 'machine_id', 'macs', 'enrolled_address',
  'address', 'presented', 'describe_data', 'foreign_domains', 'agent_build', 'epoch', 'last_seen_at', 'declared_dead_at', 'created_at',
];

/**
 * The part of the describe data that is stored with the slave: what every heartbeat changes is in
 * `slave_pulses` and zero here, so that an agent that says the same of its host is no change.
 */
export const steadyDescribe = (describe: Describe): Describe => ({ ...describe, load1: 0, ramAvailableMiB: 0, poolAvailableMiB: 0, clockOffsetMs: null });

/** What a heartbeat changes; an offset that was not measured yet leaves the older one. */
function withPulse(describe: Describe, row: SlaveRow): Describe {
  if (row.seen_at == null) return describe;
  return {
    ...describe,
    load1: row.load1 ?? 0,
    ramAvailableMiB: row.ram_available_mib ?? 0,
    poolAvailableMiB: row.pool_available_mib ?? 0,
    clockOffsetMs: row.clock_offset_ms ?? describe.clockOffsetMs,
  };
}

/** The JSON columns hold what this very class wrote after zod had parsed it; they are not parsed again. */
export function slaveRecord(row: SlaveRow): SlaveRecord {
  return {
    id: row.id,
    name: row.name,
    kind: row.kind,
    ownerUserId: row.owner_user_id,
    maxConnections: row.max_connections,
    ...(row.speed === null ? {} : { speed: row.speed }),
    admission: row.admission,
    admissionReason: row.admission_reason,
    liveness: row.liveness,
    publicKey: row.public_key,
    machineId: row.machine_id,
    macs: parseJson(row.macs) as string[],
    enrolledAddress: row.enrolled_address,
    address: row.address,
    presented: row.presented === null ? null : (parseJson(row.presented) as ShownIdentity),
    describe: withPulse(parseJson(row.describe_data) as Describe, row),
    foreignDomains: parseJson(row.foreign_domains) as ForeignDomain[],
    agentBuild: row.agent_build,
    epoch: row.epoch,
    lastSeenAt: (row.seen_at ?? row.last_seen_at)?.getTime() ?? null,
    declaredDeadAt: row.declared_dead_at?.getTime() ?? null,
    createdAt: row.created_at.getTime(),
  };
}

export function slaveRow(slave: SlaveRecord): SlaveRow {
  return {
    id: slave.id,
    name: slave.name,
    kind: slave.kind,
    owner_user_id: slave.ownerUserId,
    max_connections: slave.maxConnections,
    speed: slave.speed ?? null,
    admission: slave.admission,
    admission_reason: slave.admissionReason,
    liveness: slave.liveness,
    public_key: slave.publicKey,
    machine_id: slave.machineId,
    macs: JSON.stringify(slave.macs),
    enrolled_address: slave.enrolledAddress,
    address: slave.address,
    presented: slave.presented === null ? null : JSON.stringify(slave.presented),
    describe_data: JSON.stringify(slave.describe),
    foreign_domains: JSON.stringify(slave.foreignDomains),
    agent_build: slave.agentBuild,
    epoch: slave.epoch,
    last_seen_at: slave.lastSeenAt === null ? null : new Date(slave.lastSeenAt),
    declared_dead_at: slave.declaredDeadAt === null ? null : new Date(slave.declaredDeadAt),
    created_at: new Date(slave.createdAt),
  };
}
