import type { Clock, EpochMs } from '@paravcl/shared/clock';
import { displayNameSchema } from '@paravcl/shared/domain/limits';
import { ParavclError } from '@paravcl/shared/errors';
import { newId } from '@paravcl/shared/ids';
import type { EnrolmentAnswer, EnrolmentRequest } from '@paravcl/shared/protocol/agent-to-master';
import { isDuplicateKey } from '../db/connection';
import type { UnitOfWork } from '../db/unit-of-work';
import type { JoinTokenRecord } from '../repositories/join-token-repository';
import type { Repositories } from '../repositories/repositories';
import type { SlaveRecord } from '../repositories/slave-record';
import { isAgentKey } from './agent-key';
import { freeName } from './free-name';
import { refuseDisabledOwner, refuseUnlessOpen, shownJoinToken } from './open-join-token';

/** Another enrolment may take the name between our look and our write; each such loss is another's gain. */
const nameAttempts = 10;

/** Machines become slaves: a join token is exchanged for a place in the books. */
export class EnrolmentService {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly clock: Clock,
    private readonly siteId: string,
  ) {}

  /**
   * Enrols one machine. The token is used up in the same
   * transaction that makes the slave. Asked again with the same token and the same key and machine (the
   * first answer was lost), it answers the same slave.
   *
   * Throws `token-refused`; `already-exists` when key or machine belong to a slave already;
   * `invalid-input` for a name nobody could read or a key that is none.
   */
  async enrol(request: EnrolmentRequest, clientAddress: string): Promise<EnrolmentAnswer> {
    const name = displayNameSchema.safeParse(request.name);
    if (!name.success) {
      const limit = name.error.issues[0]?.message ?? 'unreadable';
      throw new ParavclError('invalid-input', `name: ${limit}. Enrol with another --name.`, { field: 'name', limit });
    }
    if (!isAgentKey(request.publicKey)) {
      throw new ParavclError('invalid-input', 'publicKey: is not an Ed25519 public key.', { field: 'publicKey', limit: 'Ed25519, SPKI DER, base64url' });
    }
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.unitOfWork.transaction((repositories) => this.enrolOnce(repositories, { ...request, name: name.data }, clientAddress));
      } catch (error) {
        if (!isDuplicateKey(error) || attempt >= nameAttempts) throw error;
      }
    }
  }

  private async enrolOnce(repositories: Repositories, request: EnrolmentRequest, clientAddress: string): Promise<EnrolmentAnswer> {
    const now = this.clock.now();
    const token = await shownJoinToken(repositories, request.token);
    const known = await repositories.slaves.findByPublicKey(request.publicKey);
    if (known !== null && token.usedBySlaveId === known.id && known.machineId === request.machineId && (known.admission === 'pending' || known.admission === 'approved')) {
      return { slaveId: known.id, siteId: this.siteId, admission: known.admission };
    }
    refuseUnlessOpen(token, now);
    await refuseDisabledOwner(repositories, token);
    if (known !== null) {
      throw new ParavclError('already-exists', `This key belongs to host ${known.name} (${known.admission}) already. Retire it first if this is that machine, then enrol again.`, { field: 'publicKey' });
    }
    const slave = await this.insert(repositories, request, token, clientAddress, now);
    const same = (await repositories.slaves.lockUnretiredOfMachine(request.machineId)).find((other) => other.id !== slave.id);
    if (same !== undefined) {
      throw new ParavclError('already-exists', `Machine id ${request.machineId} belongs to host ${same.name} (${same.admission}) already. If this is that machine, retire ${same.name} first; if it is a copy of it, give it its own /etc/machine-id (systemd-machine-id-setup) and enrol again.`, {
        field: 'machineId',
      });
    }
    // Somebody else used it between our look and now.
    if (!(await repositories.joinTokens.consume(token.id, slave.id, now))) refuseUnlessOpen((await repositories.joinTokens.find(token.id)) ?? token, now, true);
    await repositories.events.append(
      {
        kind: 'slave.enrolled',
        subjectType: 'slave',
        subjectId: slave.id,
        actor: `host ${slave.name}`,
        actorUserId: null,
        clientAddress,
        sentence: `${slave.name} enrolled from ${clientAddress} as a ${slave.kind} host and ${slave.admission === 'approved' ? 'is approved by its join token' : 'waits for approval'}.`,
      },
      now,
    );
    return { slaveId: slave.id, siteId: this.siteId, admission: slave.admission === 'approved' ? 'approved' : 'pending' };
  }

  private async insert(repositories: Repositories, request: EnrolmentRequest, token: JoinTokenRecord, clientAddress: string, now: EpochMs): Promise<SlaveRecord> {
    const slave: SlaveRecord = {
      id: newId(now),
      name: freeName(request.name, await repositories.slaves.namesLike(request.name)),
      kind: token.kind,
      ownerUserId: token.ownerUserId,
      maxConnections: null,
      admission: token.preapproved ? 'approved' : 'pending',
      admissionReason: null,
      // Not heard of over the link yet; its first hello makes it online.
      liveness: 'lost',
      publicKey: request.publicKey,
      machineId: request.machineId,
      macs: request.macs,
      enrolledAddress: clientAddress,
      address: clientAddress,
      presented: null,
      describe: request.describe,
      foreignDomains: [],
      agentBuild: null,
      epoch: 0,
      lastSeenAt: null,
      declaredDeadAt: null,
      createdAt: now,
    };
    await repositories.slaves.insert(slave);
    return slave;
  }
}
