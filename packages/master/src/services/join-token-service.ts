import type { JoinToken, JoinTokenState, JoinWay } from '@paravcl/shared/api/join-tokens';
import type { Page } from '@paravcl/shared/api/page';
import type { Clock, EpochMs } from '@paravcl/shared/clock';
import { formatJoinToken } from '@paravcl/shared/domain/join-token-text';
import type { Principal } from '@paravcl/shared/domain/people';
import type { SlaveKind } from '@paravcl/shared/domain/slave';
import { ParavclError } from '@paravcl/shared/errors';
import { newId } from '@paravcl/shared/ids';
import { createHash, randomBytes } from 'node:crypto';
import type { UnitOfWork } from '../db/unit-of-work';
import type { JoinTokenRecord } from '../repositories/join-token-repository';
import type { Repositories } from '../repositories/repositories';
import { joinTokenState } from './join-token-state';
import { newHostOwner, type HostOwner } from './new-host-owner';
import { authorise, may, reach } from './policy';

export interface MasterAddress {
  /** What agents dial: `https://master.example:8443`. */
  readonly url: string;
  /** SHA-256 of the CA certificate's DER, base64url; null when the certificate is publicly trusted. */
  readonly caFingerprint: string | null;
}

export interface NewJoinToken {
  readonly kind?: SlaveKind | undefined;
  /** Of a volunteer: its maker unless told. */
  readonly ownerUserId?: string | undefined;
  readonly preapproved: boolean;
  readonly note: string;
  readonly lifetimeMinutes: number;
}

/** A token that may be made: whose machine it lets in, and for how long. */
export interface GrantedJoinToken {
  readonly kind: SlaveKind;
  readonly maker: Pick<Principal, 'userId' | 'userName'>;
  /** Null: dedicated, or its maker's own. */
  readonly owner: HostOwner | null;
  readonly preapproved: boolean;
  readonly note: string;
  readonly lifetimeMs: number;
  readonly clientAddress: string | null;
}

/** What is shown once, when a token is made. */
export interface MadeJoinToken extends JoinWay {
  readonly joinToken: JoinToken;
  readonly master: string;
}

const site = { ownerUserId: null, groupId: null } as const;

/** The secret is 256 random bits: a plain hash is enough, there is nothing to guess. */
export const joinTokenHash = (secret: string): string => createHash('sha256').update(secret).digest('hex');

/** Single-use tokens by which machines enrol. Only their hashes are stored. */
export class JoinTokenService {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly clock: Clock,
    private readonly master: MasterAddress,
    /** The command that makes a bare machine join; null: this master has nothing to put there. */
    private readonly oneLine: () => Promise<string | null> = () => Promise.resolve(null),
  ) {}

  /**
   * Makes a token: for a dedicated slave by operators and admins, for an own machine (volunteer, to be
   * approved) by anybody. Throws `forbidden` for a dedicated or preapproved one, or one for somebody else, without the right;
   * `not-found` and `conflict` for an owner that is not there or disabled.
   */
  async create(principal: Principal, wish: NewJoinToken, clientAddress: string): Promise<MadeJoinToken> {
    const privileged = may(principal, 'join-token.create-dedicated', site);
    const kind = wish.kind ?? (privileged ? 'dedicated' : 'volunteer');
    if (kind === 'dedicated' && !privileged) {
      throw new ParavclError('forbidden', `A ${principal.role} may add an own machine as a volunteer, not a dedicated host. Leave out "kind", or ask an operator.`, { field: 'kind' });
    }
    if (wish.preapproved && !privileged) {
      throw new ParavclError('forbidden', `A ${principal.role} may not approve machines beforehand. Leave out "preapproved"; an operator approves the machine when it has enrolled.`, { field: 'preapproved' });
    }
    const { preapproved, note, lifetimeMinutes, ownerUserId } = wish;
    return this.unitOfWork.transaction(async (repositories) => {
      const owner = await newHostOwner(repositories, principal, kind, ownerUserId);
      return this.makeWithin(repositories, { kind, maker: principal, owner, preapproved, note, lifetimeMs: lifetimeMinutes * 60_000, clientAddress }, this.clock.now());
    });
  }

  /** Makes a token as part of something else: it is there when the caller's transaction is. */
  async makeWithin(repositories: Repositories, granted: GrantedJoinToken, now: EpochMs): Promise<MadeJoinToken> {
    const { kind, maker, owner, preapproved, note, lifetimeMs, clientAddress } = granted;
    // Before anything is written: what it reads is on the disk, and a fault there makes no token.
    const oneLine = await this.oneLine();
    const secret = randomBytes(32).toString('base64url');
    const token: JoinTokenRecord = {
      id: newId(now),
      kind,
      ownerUserId: kind === 'volunteer' ? (owner ?? maker).userId : null,
      createdByUserId: maker.userId,
      preapproved,
      note,
      createdAt: now,
      expiresAt: now + lifetimeMs,
      usedAt: null,
      usedBySlaveId: null,
      revokedAt: null,
    };
    await repositories.joinTokens.insert(token, joinTokenHash(secret));
    await repositories.events.append(
      {
        kind: 'join-token.created',
        subjectType: 'join-token',
        subjectId: token.id,
        actor: `user ${maker.userName}`,
        actorUserId: maker.userId,
        clientAddress,
        sentence: `${maker.userName} made a join token for a ${kind} host${owner === null || owner.userId === maker.userId ? '' : ` of ${owner.userName}`}${preapproved ? ', approved beforehand' : ''}, valid for ${Math.ceil(lifetimeMs / 60_000)} minutes.`,
      },
      now,
    );
    const text = formatJoinToken({ secret, caFingerprint: this.master.caFingerprint });
    return { joinToken: view(token, now), token: text, master: this.master.url, oneLine, ...enrolCommands(this.master.url, text) };
  }

  /** Own tokens; all of them for operators and admins. Newest first. */
  async list(principal: Principal, query: { readonly limit: number; readonly cursor?: string | undefined; readonly state?: JoinTokenState | undefined }): Promise<Page<JoinToken>> {
    const now = this.clock.now();
    const createdByUserId = reach(principal, 'join-token.list') === 'any' ? undefined : principal.userId;
    const { items, next } = await this.unitOfWork.read.joinTokens.page({ ...query, createdByUserId }, now);
    return { items: items.map((token) => view(token, now)), next };
  }

  /** Throws `conflict` when it was used; revoking twice, or after its end, is no error. */
  async revoke(principal: Principal, joinTokenId: string, clientAddress: string): Promise<void> {
    const now = this.clock.now();
    await this.unitOfWork.transaction(async (repositories) => {
      const token = await repositories.joinTokens.find(joinTokenId);
      const what = `join token ${joinTokenId}`;
      if (token === null) throw new ParavclError('not-found', `There is no ${what}, or it is not yours to see.`);
      authorise(principal, 'join-token.revoke', 'join-token.list', { ownerUserId: token.createdByUserId, groupId: null }, what);
      if (token.revokedAt !== null) return;
      if (token.usedAt !== null || !(await repositories.joinTokens.revoke(token.id, now))) {
        throw new ParavclError('conflict', 'This join token was used already. To take the machine out of the pool again, retire its host.');
      }
      await repositories.events.append(
        {
          kind: 'join-token.revoked',
          subjectType: 'join-token',
          subjectId: token.id,
          actor: `user ${principal.userName}`,
          actorUserId: principal.userId,
          clientAddress,
          sentence: `${principal.userName} revoked a join token for a ${token.kind} host.`,
        },
        now,
      );
    });
  }
}

/**
 * What to paste on the new machine. A here-document feeds the token to standard input: on the command
 * line it would be in the process list, readable by every user of that machine.
 */
function enrolCommands(url: string, token: string): { command: string; commandThatAsks: string } {
  const enrol = `paravcl-slave enrol --master ${url}`;
  return { command: `${enrol} --token-file - <<'TOKEN'\n${token}\nTOKEN`, commandThatAsks: enrol };
}

function view(token: JoinTokenRecord, now: EpochMs): JoinToken {
  const time = (at: EpochMs | null): string | null => (at === null ? null : new Date(at).toISOString());
  return {
    id: token.id,
    state: joinTokenState(token, now),
    kind: token.kind,
    ownerUserId: token.ownerUserId,
    createdByUserId: token.createdByUserId,
    preapproved: token.preapproved,
    note: token.note,
    createdAt: new Date(token.createdAt).toISOString(),
    expiresAt: new Date(token.expiresAt).toISOString(),
    usedAt: time(token.usedAt),
    usedBySlaveId: token.usedBySlaveId,
    revokedAt: time(token.revokedAt),
  };
}
