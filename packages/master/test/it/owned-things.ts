import type { ImageKind } from '@paravcl/shared/domain/image';
import type { Role } from '@paravcl/shared/domain/people';
import { newId } from '@paravcl/shared/ids';
import { priorityOf } from '@paravcl/shared/priority';
import type { InstanceRecord } from '../../src/core/instance-record';
import { wantedPart } from '../../src/core/snapshot-record';
import type { Repositories } from '../../src/repositories/repositories';
import type { GuestConnections } from '../../src/services/guest-connections';
import { hashSecret, newSecret } from '../../src/services/secrets';
import { plainDescribe } from './agent-double';
import { sampleImage, sampleInstance, sampleReservation } from './sample-records';
import type { Person } from './test-site';
import type { TestDatabase } from './test-database';

/** The people of one group: a student in it, whose things these are, and the teacher whose group it is. */
export interface Owners {
  readonly student: Person;
  readonly teacher: Person;
  readonly groupId: string;
}

/** Things of the student, in the teacher's group; each call makes another one, in the books alone. */
export class OwnedThings {
  private made = 0;

  constructor(
    private readonly database: TestDatabase,
    private readonly connections: () => GuestConnections,
    private readonly owners: Owners,
  ) {}

  /** By the name of the route's parameter. A group is the teacher's, with the student in it; a user is another student of the group. */
  readonly byParameter: Readonly<Record<string, (path: string, before: Readonly<Record<string, string>>) => Promise<string>>> = {
    apiTokenId: () => this.write(({ apiTokens }, id, now) => apiTokens.insert({ id, userId: this.student.id, name: id, scope: 'full', hint: 'pvt_', createdAt: now, expiresAt: now + dayMs, lastUsedAt: null }, hashSecret(id))),
    connectionId: () => this.connection(),
    decisionId: () =>
      this.write(({ decisions }, id, now) =>
        decisions.insert({
          id, userId: this.student.id, groupId: this.owners.groupId, at: new Date(now).toISOString(), kind: 'place', subject: { type: 'instance', id: newId(now) }, sentence: 'It goes to a host.',
          priority: priorityOf({ pfv: 1, ras: false, mon: false, ramMiB: 512, minutes: 60 }), candidates: { considered: 0, reasons: [], top: [] }, victims: [], policy: 'para/para', inputsHash: 'a'.repeat(64),
        }),
      ),
    deploymentId: () =>
      this.write(({ deployments }, id, now) =>
        deployments.insert({
          id, name: `d-${id}`, description: '', createdByUserId: this.student.id, groupId: this.owners.groupId, templateId: null, familyId: null, imageId: newId(now), kernelId: null, ramdiskId: null,
          vcpus: 1, ramMiB: 512, diskMiB: 1024, bandwidthMbps: null, minutes: 60, cloudInit: null, slaveIds: null, perHostLimit: null, state: 'active', slotsMade: 0, createdAt: now, changedAt: now,
        }),
      ),
    familyId: async () => (await this.image('disk')).familyId,
    groupId: async () => {
      const groupId = await this.write(({ groups }, id, now) => groups.insert({ id, name: `group ${id}`, description: '', ownerUserId: this.owners.teacher.id }, now));
      await this.database.unit.transaction(({ groups }) => groups.addMember(groupId, this.student.id, Date.now()));
      return groupId;
    },
    hostInstallId: () =>
      this.write(({ hostInstalls }, id, now) =>
        hostInstalls.insert({
          id, purpose: 'install', address: '10.0.0.7', resolved: '10.0.0.7', port: 22, user: 'root', name: null, state: 'failed', sentence: 'It failed.', slaveId: null, joinTokenId: null, hostKey: null, choices: null, keepPackages: null, steps: [], findings: [],
          createdByUserId: this.student.id, createdAt: now, endedAt: now,
        }),
      ),
    imageId: async (path) => (await this.image(path.startsWith('/kernels') ? 'kernel' : path.startsWith('/ramdisks') ? 'ramdisk' : 'disk')).id,
    instanceId: async () => (await this.instance()).id,
    joinTokenId: () =>
      this.write(({ joinTokens }, id, now) =>
        joinTokens.insert({ id, kind: 'volunteer', ownerUserId: this.student.id, createdByUserId: this.student.id, preapproved: false, note: '', createdAt: now, expiresAt: now + dayMs, usedAt: null, usedBySlaveId: null, revokedAt: null }, hashSecret(id)),
      ),
    mappingId: (_path, { instanceId = '' }) => {
      const publicPort = 40_000 + (this.made += 1);
      return this.write(({ publicMappings }, id, now) => publicMappings.insert({ id, instanceId, mapping: { kind: 'port', transport: 'tcp', publicPort, guestPort: publicPort }, leavingGeneration: null, createdAt: now }));
    },
    noticeId: () => this.write(({ notices }, id, now) => notices.insert({ id, userId: this.student.id, at: now, kind: 'instance.moving', subjectType: 'instance', subjectId: newId(now), sentence: 'It moves.', decisionId: null })),
    operationId: async () => {
      const { id: subjectId } = await this.instance();
      return this.write(({ operations }, id, now) => operations.insert({ id, kind: 'instance.create', subjectType: 'instance', subjectId, generation: 1, state: 'pending', sentence: 'It waits.', userId: this.student.id, createdAt: now, changedAt: now }));
    },
    reservationId: () => this.write(({ reservations }, id, now) => reservations.insert(sampleReservation({ id, userId: this.student.id, groupId: this.owners.groupId, start: now + 3_600_000, end: now + 7_200_000, createdAt: now, changedAt: now }))),
    slaveId: () => this.slave('retired'),
    snapshotId: async () => {
      const { id: instanceId, name: instanceName } = await this.instance();
      return this.write(({ snapshots }, id, now) =>
        snapshots.insert(
          { id, name: `s-${id}`, userId: this.student.id, deploymentId: null, familyId: null, production: false, purpose: 'keep', generation: null, state: 'ready', sentence: 'It is there.', freezeBy: now, deadlineAt: now, createdAt: now, endedAt: now, leftOut: null },
          [{ ...wantedPart({ imageId: newId(now), snapshotId: id, instanceId, instanceName, slaveId: newId(now) }), state: 'kept', hostTold: true }],
        ),
      );
    },
    templateId: async () => {
      const { id: imageId } = await this.image('disk');
      return this.write(({ templates }, id, now) =>
        templates.insert({
          id, name: `t-${id}`, description: '', imageId, familyId: null, vcpus: 1, ramMiB: 512, diskMiB: null, bandwidthMbps: null, minutes: null, cloudInit: null, groupIds: [this.owners.groupId],
          ownerGroupId: this.owners.groupId, createdByUserId: this.owners.teacher.id, createdAt: now, changedAt: now,
        }),
      );
    },
    userId: async (_path, { groupId = this.owners.groupId }) => (await this.person('student', groupId)).id,
  };

  /** Somebody with a session, without a login's price. */
  async person(role: Role, primaryGroupId: string | null): Promise<Person> {
    const name = `p${(this.made += 1).toString()}x${role}`;
    const token = newSecret('pvs');
    const id = await this.write(async (write, id, now) => {
      await write.users.insert({ id, name, displayName: `The ${name}`, role, passwordHash: null, primaryGroupId, sshPublicKeys: [] }, now);
      if (primaryGroupId !== null) await write.groups.addMember(primaryGroupId, id, now);
      await write.sessions.insert({ id: newId(now), tokenHash: hashSecret(token), userId: id, expiresAt: now + dayMs, clientAddress: '127.0.0.1' }, now);
    });
    this.known.set(id, { id, name, token });
    return { id, name, token };
  }

  /** One whom `person` made. */
  whoIs(id: string | undefined): Person | undefined {
    return this.known.get(id ?? '');
  }

  /** The student's own machine, lent to the pool. */
  slave(admission: 'approved' | 'retired'): Promise<string> {
    return this.write(({ slaves }, id, now) =>
      slaves.insert({
        id, name: `pc-${id}`, kind: 'volunteer', ownerUserId: this.student.id, maxConnections: null, admission, admissionReason: null, liveness: 'online', publicKey: `key of ${id}`, machineId: id.replaceAll('-', ''),
        macs: [], enrolledAddress: null, address: null, presented: null, describe: plainDescribe('02:00:00:00:00:01'), foreignDomains: [], agentBuild: null, epoch: 1, lastSeenAt: now, declaredDeadAt: null, createdAt: now,
      }),
    );
  }

  /** Everybody's. */
  async publicImage(): Promise<string> {
    return (await this.image('disk', 'public')).id;
  }

  private get student(): Person {
    return this.owners.student;
  }

  private readonly known = new Map<string, Person>();

  private async write(insert: (write: Repositories, id: string, now: number) => Promise<void>): Promise<string> {
    const now = Date.now();
    const id = newId(now);
    await this.database.unit.transaction((write) => insert(write, id, now));
    return id;
  }

  private async image(kind: ImageKind, visibility: 'group' | 'public' = 'group'): Promise<{ readonly id: string; readonly familyId: string }> {
    const record = sampleImage({ id: newId(Date.now()), familyId: newId(Date.now()), kind, visibility, ownerGroupId: this.owners.groupId, createdByUserId: this.student.id, name: newId(Date.now()) });
    await this.database.unit.transaction(async ({ images, imageFamilies }) => {
      await images.insert(record);
      await imageFamilies.insert({ id: record.familyId, kind, name: record.name, description: '', versionsMade: 1, productionImageId: record.id, createdByUserId: this.student.id, createdAt: record.createdAt });
    });
    return record;
  }

  private async instance(facts: Partial<InstanceRecord> = {}): Promise<InstanceRecord> {
    const record = sampleInstance({ id: newId(Date.now()), userId: this.student.id, groupId: this.owners.groupId, imageId: (await this.image('disk')).id, desired: 'stopped', observed: 'stopped', ...facts });
    await this.database.unit.transaction(({ instances }) => instances.insert(record));
    return record;
  }

  private async connection(): Promise<string> {
    const instance = await this.instance({ observed: 'running', desired: 'running', slaveId: await this.slave('approved') });
    const principal = { userId: this.student.id, userName: this.student.name, role: 'student', groupIds: [], ownedGroupIds: [], sessionId: '' } as const;
    const open = await this.connections().open({ kind: 'screen', port: null, principal, instance, fromAddress: '127.0.0.1', end: () => open.close() });
    return open.id;
  }
}

const dayMs = 86_400_000;
