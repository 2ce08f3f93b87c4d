import type { Page } from '@paravcl/shared/api/page';
import type { EpochMs } from '@paravcl/shared/clock';
import { hostFindingSchema, hostInstallStepSchema, type AgentStart, type HostFinding, type HostInstallPurpose, type HostInstallState, type HostInstallStep } from '@paravcl/shared/domain/host-install';
import type { SlaveKind } from '@paravcl/shared/domain/slave';
import { parseJson } from '@paravcl/shared/parse-json';
import type { Knex } from 'knex';
import { z } from 'zod';
import { noNotes, type ChangeNotes } from './committed-changes';
import { firstIdOf } from './first-id';
import { newestFirst, type PageRequest } from './newest-first';

/** How a host is to be installed. */
export interface HostInstallChoices {
  readonly slaveKind: SlaveKind;
  /** Whose machine a volunteer is to be; null: it is dedicated. */
  readonly ownerUserId: string | null;
  readonly preapproved: boolean;
  readonly start: AgentStart;
}

/** What is done to a host by SSH, without anything that lets somebody in. */
export interface HostInstallRecord {
  readonly id: string;
  readonly purpose: HostInstallPurpose;
  readonly address: string;
  readonly resolved: string;
  readonly port: number;
  readonly user: string;
  readonly name: string | null;
  readonly state: HostInstallState;
  readonly sentence: string;
  readonly slaveId: string | null;
  /** Made for it, and revoked at its end unless it was used. */
  readonly joinTokenId: string | null;
  /** Fingerprint of the host's key, as it was confirmed for it; null in records of before. */
  readonly hostKey: string | null;
  /** Null of removals, and in records of before. */
  readonly choices: HostInstallChoices | null;
  /** Whether a removal leaves the packages there; null of installs, and in records of before. */
  readonly keepPackages: boolean | null;
  readonly steps: readonly HostInstallStep[];
  readonly findings: readonly HostFinding[];
  readonly createdByUserId: string;
  readonly createdAt: EpochMs;
  readonly endedAt: EpochMs | null;
}

export type HostInstallChange = Partial<Pick<HostInstallRecord, 'state' | 'sentence' | 'slaveId' | 'joinTokenId' | 'steps' | 'findings' | 'endedAt'>>;

interface Row {
  readonly id: string;
  readonly purpose: HostInstallPurpose;
  readonly address: string;
  readonly resolved: string;
  readonly port: number;
  readonly login_user: string;
  readonly name: string | null;
  readonly state: HostInstallState;
  readonly sentence: string;
  readonly slave_id: string | null;
  readonly join_token_id: string | null;
  readonly host_key: string | null;
  readonly slave_kind: SlaveKind | null;
  readonly preapproved: number | null;
  readonly start_by: AgentStart | null;
  readonly keep_packages: number | null;
  readonly owner_user_id: string | null;
  readonly steps: string;
  readonly findings: string;
  readonly created_by_user_id: string;
  readonly created_at: Date;
  readonly ended_at: Date | null;
}

const columns = ['id', 'purpose', 'address', 'resolved', 'port', 'login_user', 'name', 'state', 'sentence', 'slave_id', 'join_token_id', 'host_key', 'slave_kind', 'preapproved', 'start_by', 'keep_packages', 'owner_user_id', 'steps', 'findings', 'created_by_user_id', 'created_at', 'ended_at'] as const satisfies readonly (keyof Row)[];
const stepsSchema = z.array(hostInstallStepSchema);
const findingsSchema = z.array(hostFindingSchema);

export class HostInstallRepository {
  constructor(
    private readonly db: Knex,
    private readonly changes: ChangeNotes = noNotes,
  ) {}

  async insert(record: HostInstallRecord): Promise<void> {
    const { id, purpose, address, resolved, port, user, name, hostKey, choices, keepPackages, createdByUserId, createdAt } = record;
    await this.db('host_installs').insert({
      id, purpose, address, resolved, port, login_user: user, name, host_key: hostKey,
      slave_kind: choices?.slaveKind ?? null, preapproved: choices?.preapproved ?? null, start_by: choices?.start ?? null, keep_packages: keepPackages, owner_user_id: choices?.ownerUserId ?? null,
      created_by_user_id: createdByUserId, created_at: new Date(createdAt), ...changed(record),
    });
    this.note(record);
  }

  async find(id: string): Promise<HostInstallRecord | null> {
    const row = await this.db<Row>('host_installs').where({ id }).first(...columns);
    return row === undefined ? null : fromRow(row);
  }

  /** As it stands, and as it stays until the transaction ends. */
  async lock(id: string): Promise<HostInstallRecord | null> {
    const row = await this.db<Row>('host_installs').where({ id }).forUpdate().first(...columns);
    return row === undefined ? null : fromRow(row);
  }

  /** Newest first. */
  async page(filter: PageRequest & { readonly state?: HostInstallState | undefined; readonly slaveId?: string | undefined }): Promise<Page<HostInstallRecord>> {
    const query = this.db('host_installs').select([...columns]);
    if (filter.state !== undefined) void query.where({ state: filter.state });
    if (filter.slaveId !== undefined) void query.where({ slave_id: filter.slaveId });
    const { items, next } = await newestFirst<Row>(query, 'id', filter);
    return { items: items.map(fromRow), next };
  }

  /** Under way, as the books have it. */
  async running(): Promise<readonly HostInstallRecord[]> {
    return (await this.db<Row>('host_installs').where({ state: 'running' }).orderBy('id').select(...columns)).map(fromRow);
  }

  /** Hosts that enrolled with a join token of an install at this place and key. */
  async slavesInstalledAt({ resolved, port, hostKey }: Pick<HostInstallRecord, 'resolved' | 'port' | 'hostKey'>): Promise<readonly string[]> {
    return this.db('host_installs as install')
      .join('join_tokens as token', 'token.id', 'install.join_token_id')
      .where({ 'install.purpose': 'install', 'install.resolved': resolved, 'install.port': port, 'install.host_key': hostKey })
      .whereNotNull('token.used_by_slave_id')
      .distinct()
      .pluck<string[]>('token.used_by_slave_id');
  }

  /** Whether there was something to change: not when it has ended already. */
  async change(record: Pick<HostInstallRecord, 'id' | 'slaveId'>, change: HostInstallChange): Promise<boolean> {
    if ((await this.db('host_installs').where({ id: record.id, state: 'running' }).update(changed(change))) === 0) return false;
    this.note(record);
    return true;
  }

  /** At most `limit` of those that ended before then; says how many. */
  async deleteEndedBefore(before: EpochMs, limit: number): Promise<number> {
    return this.db('host_installs').where('id', '<', firstIdOf(before)).whereNot({ state: 'running' }).limit(limit).delete();
  }

  /** Told with the hosts, to those who run the site. */
  private note({ id, slaveId }: Pick<HostInstallRecord, 'id' | 'slaveId'>): void {
    this.changes.note('slaves', slaveId ?? id, { ownerUserId: null, groupId: null });
  }
}

function changed({ state, sentence, slaveId, joinTokenId, steps, findings, endedAt }: HostInstallChange): Partial<Record<keyof Row, unknown>> {
  return {
    ...(state !== undefined && { state }),
    ...(sentence !== undefined && { sentence: sentence.slice(0, 2000) }),
    ...(slaveId !== undefined && { slave_id: slaveId }),
    ...(joinTokenId !== undefined && { join_token_id: joinTokenId }),
    ...(steps !== undefined && { steps: JSON.stringify(steps) }),
    ...(findings !== undefined && { findings: JSON.stringify(findings) }),
    ...(endedAt !== undefined && { ended_at: endedAt === null ? null : new Date(endedAt) }),
  };
}

function choicesOf({ slave_kind: slaveKind, owner_user_id: owner, created_by_user_id: maker, preapproved, start_by: start }: Row): HostInstallChoices | null {
  if (slaveKind === null || preapproved === null || start === null) return null;
  // Before it was kept, a volunteer was the machine of who asked for it.
  return { slaveKind, ownerUserId: slaveKind === 'volunteer' ? (owner ?? maker) : null, preapproved: preapproved !== 0, start };
}

function fromRow(row: Row): HostInstallRecord {
  return {
    id: row.id,
    purpose: row.purpose,
    address: row.address,
    resolved: row.resolved,
    port: row.port,
    user: row.login_user,
    name: row.name,
    state: row.state,
    sentence: row.sentence,
    slaveId: row.slave_id,
    joinTokenId: row.join_token_id,
    hostKey: row.host_key,
    choices: choicesOf(row),
    keepPackages: row.keep_packages === null ? null : row.keep_packages !== 0,
    steps: stepsSchema.parse(parseJson(row.steps)),
    findings: findingsSchema.parse(parseJson(row.findings)),
    createdByUserId: row.created_by_user_id,
    createdAt: row.created_at.getTime(),
    endedAt: row.ended_at?.getTime() ?? null,
  };
}
