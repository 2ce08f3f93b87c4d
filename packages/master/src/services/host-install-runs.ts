import type { Clock } from '@paravcl/shared/clock';
import { hostInstallSteps, type HostInstall, type HostInstallStep } from '@paravcl/shared/domain/host-install';
import type { Principal } from '@paravcl/shared/domain/people';
import { newId } from '@paravcl/shared/ids';
import type { UnitOfWork } from '../db/unit-of-work';
import type { HostInstallChange, HostInstallChoices, HostInstallRecord } from '../repositories/host-install-repository';
import type { AgentPackage } from './agent-package';
import type { HostDialler, HostLogin, HostPlace } from './host-install-ports';
import { runSteps, waitingSteps, type InstallStep, type RunOutcome } from './host-install-runner';
import { Stay, type Entry } from './host-entry-steps';
import type { HostOwner } from './new-host-owner';
import { HostInstallTurns } from './host-install-turns';
import { HostsUnderway, type Underway } from './host-install-underway';
import type { HostKeyConfirmation } from './host-key-confirmation';
import { untilWritten } from './until-written';

export interface HostInstallRunParts {
  readonly unit: UnitOfWork;
  readonly clock: Clock;
  readonly dialler: HostDialler;
  readonly keys: HostKeyConfirmation;
  readonly atOnce: number;
  /** What a host gets, the script among it. Throws `not-ready` where this master has none. */
  readonly release: () => Promise<AgentPackage>;
  readonly onFault: (error: unknown) => void;
}

/** Who asked for it, from where, and how to get in. */
export interface HostInstallRequest {
  readonly principal: Principal;
  readonly clientAddress: string;
  readonly place: HostPlace;
  readonly login: LoginWish;
  /** Under which it is in the books; null: a new one. */
  readonly id: string | null;
  readonly purpose: HostInstallRecord['purpose'];
  readonly name: string | null;
  readonly slaveId: string | null;
  /** Null: it is removed. */
  readonly choices: HostInstallChoices | null;
  /** Whose machine it becomes; null: the lab's, or it is removed. */
  readonly owner: HostOwner | null;
  /** Null: it is installed. */
  readonly keepPackages: boolean | null;
}

export interface LoginWish {
  readonly port: number;
  readonly user: string;
  readonly hostKey: string;
  /** It may replace the one that is pinned. */
  readonly replaceHostKey: boolean;
  readonly credential: HostLogin['credential'];
  readonly sudoPassword?: string | undefined;
}

/** What lets somebody in, until it is dropped. Nothing else holds it. */
class HeldLogin {
  private login: HostLogin | null;
  constructor({ user, credential, sudoPassword }: LoginWish) {
    this.login = { user, credential, sudoPassword };
  }
  readonly use = (): HostLogin => {
    if (this.login === null) throw new Error('The login was dropped already.');
    return this.login;
  };
  drop(): void {
    this.login = null;
  }
}

/** What is under way at hosts: each from its being written down to its end, one a host, so many at a time. */
export class HostInstallRuns {
  private readonly underway: HostsUnderway;
  private readonly turns: HostInstallTurns;
  private readonly stopping = new AbortController();

  constructor(private readonly parts: HostInstallRunParts) {
    this.turns = new HostInstallTurns(parts.atOnce);
    this.underway = new HostsUnderway(parts.atOnce);
  }

  /** What ran when the master ended is interrupted: what let it in is gone. Join tokens that were made for it are revoked. */
  async recover(): Promise<void> {
    for (const record of await this.parts.unit.read.hostInstalls.running()) {
      await this.interrupt(record.id, `The master was started anew while this went on, and what it had logged in with is kept nowhere. Begin again: nothing is lost, it goes on where it was.`, 'The master was started anew here.');
    }
  }

  /** Whether it was given up by that: not what came to its own end meanwhile. It has ended then; what of it goes on at the host for a moment keeps nobody waiting. */
  async cancel(id: string): Promise<boolean> {
    const underway = this.underway.find(id);
    if (underway === null) return this.interrupt(id, 'It was under way in the books only, and was ended. Begin again: nothing is lost, it goes on where it was.', 'This went on no longer.');
    const isInTime = !underway.isEnding;
    underway.abort.abort();
    await underway.ended;
    const state = (await this.parts.unit.read.hostInstalls.find(id))?.state;
    return isInTime && state !== 'succeeded' && state !== 'failed';
  }

  /** Gives up what goes on, and waits for it: the master ends. What it gave up is interrupted. */
  async stop(): Promise<void> {
    this.stopping.abort();
    for (const { abort } of this.underway.list()) abort.abort('stopping');
    await Promise.all(this.underway.list().map(({ over }) => over));
  }

  /** What was begun under this id: it is asked for again, after a fault. Null: nothing was, or it is a new one. */
  async begun(id: string | null): Promise<HostInstall | null> {
    const record = id === null ? null : await this.parts.unit.read.hostInstalls.find(id);
    return record === null ? null : hostInstallView(record);
  }

  /** Writes it down and begins with it. Throws `conflict` while that host is worked on, or where another key is pinned. */
  async begin(request: HostInstallRequest, stepsOf: (record: HostInstallRecord, entry: Entry, stay: Stay) => readonly InstallStep[]): Promise<HostInstall> {
    const { principal, clientAddress, place, login, owner } = request;
    const { unit, clock, keys, dialler, release } = this.parts;
    const now = clock.now();
    const id = request.id ?? newId(now);
    const key = await keys.confirm(place, login.hostKey, login.replaceHostKey);
    const underway = await this.underway.enter(id, place);
    const record: HostInstallRecord = {
      id, purpose: request.purpose, address: place.address, resolved: place.resolved, port: place.port, user: login.user, name: request.name, state: 'running', sentence: 'It begins.',
      slaveId: request.slaveId, joinTokenId: null, hostKey: login.hostKey, choices: request.choices, keepPackages: request.keepPackages, steps: waitingSteps(hostInstallSteps[request.purpose]), findings: [], createdByUserId: principal.userId, createdAt: now, endedAt: null,
    };
    try {
      await unit.transaction(async (write) => {
        await write.hostInstalls.insert(record);
        await write.events.append(this.event(principal, record, 'began', clientAddress, `${principal.userName} began to ${request.purpose === 'install' ? 'install' : 'remove'} ${nameOf(record)}${owner === null || owner.userId === principal.userId ? '' : ` for ${owner.userName}`}, as ${login.user} by ${login.credential.kind === 'key' ? 'a key' : 'password'}.`), now);
      });
    } catch (error) {
      underway.isEnding = true;
      // It may be there all the same, when only the answer was lost.
      void untilWritten(async () => void (await this.interrupt(id, 'It did not begin: the master lost its database. Begin again.', 'It did not come to this.')), this.patience).finally(() => this.underway.leave(underway));
      throw error;
    }
    const held = new HeldLogin(login);
    const entry: Entry = {
      place, hostKey: login.hostKey, user: login.user, login: held.use, dialler, clock, release,
      checkKey: () => keys.check(place, key),
      pinKey: (seen) => keys.pin(place, seen, key, { principal, clientAddress, hostInstallId: id }),
      claim: (machineId) => this.underway.claim(underway, machineId),
      onFindings: async (findings) => void (await unit.read.hostInstalls.change(record, { findings })),
    };
    const stay = new Stay();
    const steps = stepsOf(record, entry, stay);
    void this.work(principal, record, steps, stay, underway, held, clientAddress).catch(this.parts.onFault).finally(() => this.underway.leave(underway));
    return hostInstallView(record);
  }

  private get patience(): Parameters<typeof untilWritten>[1] {
    const { clock, onFault } = this.parts;
    return { clock, onFault, signal: this.stopping.signal };
  }

  private async work(principal: Principal, record: HostInstallRecord, steps: readonly InstallStep[], stay: Stay, underway: Underway, held: HeldLogin, clientAddress: string): Promise<void> {
    const { unit, clock, onFault } = this.parts;
    const { signal } = underway.abort;
    const { atOnce } = this.turns;
    // A write that is lost is mended by the next one, which has all of it; the last one is tried until it is there.
    const tell = async (change: HostInstallChange): Promise<void> => {
      try {
        await unit.read.hostInstalls.change(record, change);
      } catch (error) {
        onFault(error);
      }
    };
    const endTurn = await this.turns.take(signal, () => tell({ sentence: `Waits for its turn: ${atOnce} ${atOnce === 1 ? 'host is' : 'hosts are'} worked on at a time.` }));
    let { steps: standing } = record;
    let outcome: RunOutcome = { state: 'failed', sentence: 'This failed for a fault of the master’s; its log tells more. Begin again, and it goes on from here.' };
    try {
      outcome = await runSteps(steps, {
        clock, signal, onFault,
        onChange: async (next) => {
          standing = next;
          const current = next.findLast(({ state }) => state !== 'waiting');
          await tell({ steps: next, ...(current === undefined ? {} : { sentence: current.sentence }) });
        },
      });
    } catch (error) {
      onFault(error);
    }
    held.drop();
    underway.isEnding = true;
    await Promise.all([
      untilWritten(() => this.conclude(principal, record, standing, outcome, signal.reason === 'stopping', clientAddress), this.patience).then(() => underway.end()),
      leaveHost(stay, standing),
    ]);
    endTurn?.();
  }

  private async conclude(principal: Principal, record: HostInstallRecord, steps: readonly HostInstallStep[], outcome: { readonly state: 'succeeded' | 'failed' | 'cancelled'; readonly sentence: string | null }, isStopping: boolean, clientAddress: string): Promise<void> {
    const { unit, clock } = this.parts;
    const state = isStopping && outcome.state === 'cancelled' ? 'interrupted' : outcome.state;
    await unit.transaction(async (write) => {
      const now = clock.now();
      const found = (await write.hostInstalls.lock(record.id)) ?? record;
      await this.revokeToken(write, found.joinTokenId);
      // Ended by another hand, or by a try whose answer was lost.
      if (found.state !== 'running') return;
      // Another machine may have that address next, with a key of its own.
      if (record.purpose === 'remove' && state === 'succeeded') await write.hostKeys.forget(record.resolved, record.port);
      const latest = { ...found, steps };
      const subject = nameOf(latest);
      const sentences = {
        succeeded: record.purpose === 'install' ? (latest.steps.at(-1)?.sentence ?? '') : `${subject} has left the pool. ${latest.steps.at(-1)?.sentence ?? ''}`,
        failed: outcome.sentence ?? 'It failed.',
        cancelled: `It was cancelled. What was being done on the host may go on there for a while, and what was done stays. Begun again, it waits for that and goes on where it was.`,
        interrupted: `The master was stopped while this went on, and what it had logged in with is kept nowhere. Begin again: nothing is lost, it goes on where it was.`,
      } as const;
      await write.hostInstalls.change(latest, { state, sentence: sentences[state], steps, endedAt: now });
      const verb = record.purpose === 'install' ? 'installation' : 'removal';
      const ends = { succeeded: `The ${verb} of ${subject} is done. ${latest.steps.at(-1)?.sentence ?? ''}`, failed: `The ${verb} of ${subject} failed: ${sentences.failed}`, cancelled: `The ${verb} of ${subject} was cancelled.`, interrupted: `The ${verb} of ${subject} was interrupted.` } as const;
      await write.events.append(this.event(principal, latest, state, clientAddress, ends[state]), now);
    });
  }

  /** Ends what is under way in the books and nowhere else; whether it was. */
  private interrupt(id: string, sentence: string, stepSentence: string): Promise<boolean> {
    const { unit, clock } = this.parts;
    return unit.transaction(async (write) => {
      const record = await write.hostInstalls.lock(id);
      if (record?.state !== 'running') return false;
      await this.revokeToken(write, record.joinTokenId);
      const now = clock.now();
      const steps = record.steps.map((step) => (step.state === 'running' ? { ...step, state: 'failed' as const, sentence: stepSentence, endedAt: new Date(now).toISOString() } : step));
      await write.hostInstalls.change(record, { state: 'interrupted', sentence, steps, endedAt: now });
      const verb = record.purpose === 'install' ? 'installation' : 'removal';
      await write.events.append({ kind: 'host-install.interrupted', subjectType: 'host-install', subjectId: id, actor: 'master', actorUserId: null, clientAddress: null, sentence: `The ${verb} of ${nameOf(record)} was interrupted. ${sentence}` }, now);
      return true;
    });
  }

  private async revokeToken(write: { readonly joinTokens: { revoke(id: string, now: number): Promise<boolean> } }, tokenId: string | null): Promise<void> {
    if (tokenId !== null) await write.joinTokens.revoke(tokenId, this.parts.clock.now());
  }

  private event(principal: Principal, record: HostInstallRecord, verb: string, clientAddress: string, sentence: string) {
    return { kind: `host-install.${verb}`, subjectType: 'host-install', subjectId: record.id, actor: `user ${principal.userName}`, actorUserId: principal.userId, clientAddress, sentence } as const;
  }
}

/** Nothing of the stay is left there, unless what was sent in part is to be gone on with; within a moment, or it is left to the next stay. */
async function leaveHost(stay: Stay, standing: readonly HostInstallStep[]): Promise<void> {
  const failedAt = standing.find(({ state }) => state === 'failed')?.step;
  if (failedAt !== 'upload') await stay.visit?.end().catch(() => undefined);
  stay.visit?.connection.close();
  stay.visit = null;
}

const nameOf = ({ name, address, port }: HostInstallRecord): string => `${name === null ? '' : `${name} at `}${address}${port === 22 ? '' : ` port ${port}`}`;

/** As it is told to people. */
export function hostInstallView({ id, purpose, address, port, user, name, choices, keepPackages, state, sentence, slaveId, createdByUserId, steps, findings, createdAt, endedAt }: HostInstallRecord): HostInstall {
  const { slaveKind, ownerUserId, preapproved, start } = choices ?? { slaveKind: null, ownerUserId: null, preapproved: null, start: null };
  return { id, purpose, address, port, user, name, slaveKind, ownerUserId, preapproved, start, keepPackages, state, sentence, slaveId, createdByUserId, steps: [...steps], findings: [...findings], createdAt: new Date(createdAt).toISOString(), endedAt: endedAt === null ? null : new Date(endedAt).toISOString() };
}
