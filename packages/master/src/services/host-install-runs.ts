import type { Clock } from '@paravcl/shared/clock';
import { hostInstallSteps, type HostInstall } from '@paravcl/shared/domain/host-install';
import type { Principal } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import { newId } from '@paravcl/shared/ids';
import type { UnitOfWork } from '../db/unit-of-work';
import type { HostInstallRecord } from '../repositories/host-install-repository';
import type { AgentPackage } from './agent-package';
import type { HostDialler, HostLogin, HostPlace } from './host-install-ports';
import { runSteps, waitingSteps, type InstallStep } from './host-install-runner';
import { Stay, type Entry } from './host-entry-steps';
import { HostInstallTurns } from './host-install-turns';
import type { HostKeyConfirmation } from './host-key-confirmation';

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

interface Underway {
  readonly at: string;
  readonly abort: AbortController;
  readonly over: Promise<void>;
}

/** What is under way at hosts: each from its being written down to its end, one a host, so many at a time. */
export class HostInstallRuns {
  private readonly underway = new Map<string, Underway>();
  private readonly turns: HostInstallTurns;

  constructor(private readonly parts: HostInstallRunParts) {
    this.turns = new HostInstallTurns(parts.atOnce);
  }

  /** What ran when the master ended is interrupted: what let it in is gone. Join tokens that were made for it are revoked. */
  async recover(): Promise<void> {
    const { unit, clock } = this.parts;
    for (const record of await unit.read.hostInstalls.running()) {
      const sentence = `The master was started anew while this went on, and what it had logged in with is kept nowhere. Begin again: nothing is lost, it goes on where it was.`;
      await unit.transaction(async (write) => {
        await this.revokeToken(write, record.joinTokenId);
        const now = clock.now();
        const steps = record.steps.map((step) => (step.state === 'running' ? { ...step, state: 'failed' as const, sentence: 'The master was started anew here.', endedAt: new Date(now).toISOString() } : step));
        await write.hostInstalls.change(record, { state: 'interrupted', sentence, steps, endedAt: now });
      });
    }
  }

  /** Whether there was something to give up; it is over then. */
  async cancel(id: string): Promise<boolean> {
    const underway = this.underway.get(id);
    if (underway === undefined) return false;
    underway.abort.abort();
    await underway.over;
    return true;
  }

  /** Gives up what goes on, and waits for it: the master ends. What it gave up is interrupted. */
  async stop(): Promise<void> {
    for (const { abort } of this.underway.values()) abort.abort('stopping');
    await Promise.all([...this.underway.values()].map(({ over }) => over));
  }

  /** Writes it down and begins with it. Throws `conflict` while that host is worked on, or where another key is pinned. */
  async begin(request: HostInstallRequest, stepsOf: (record: HostInstallRecord, entry: Entry, stay: Stay) => readonly InstallStep[]): Promise<HostInstall> {
    const { principal, clientAddress, place, login } = request;
    const { unit, clock, keys, dialler, release } = this.parts;
    const at = `${place.resolved} ${place.port}`;
    const now = clock.now();
    const id = request.id ?? newId(now);
    // Done again under its id, after a fault: it is there.
    const before = request.id === null ? null : await unit.read.hostInstalls.find(id);
    if (before !== null) return hostInstallView(before);
    const key = await keys.confirm(place, login.hostKey, login.replaceHostKey);
    const other = [...this.underway].find(([, underway]) => underway.at === at);
    if (other !== undefined) throw new ParavclError('conflict', `${place.address} is worked on already (host install ${other[0]}). Follow that one, or cancel it first.`, { hostInstallId: other[0] });
    const record: HostInstallRecord = {
      id, purpose: request.purpose, address: place.address, resolved: place.resolved, port: place.port, user: login.user, name: request.name, state: 'running', sentence: 'It begins.',
      slaveId: request.slaveId, joinTokenId: null, hostKey: login.hostKey, steps: waitingSteps(hostInstallSteps[request.purpose]), findings: [], createdByUserId: principal.userId, createdAt: now, endedAt: null,
    };
    const abort = new AbortController();
    let over: () => void = () => undefined;
    // No wait since it was looked for: of two that come at once, one is told of the other.
    this.underway.set(id, { at, abort, over: new Promise((resolve) => (over = resolve)) });
    try {
      await unit.transaction(async (write) => {
        await write.hostInstalls.insert(record);
        await write.events.append(this.event(principal, record, 'began', clientAddress, `${principal.userName} began to ${request.purpose === 'install' ? 'install' : 'remove'} ${nameOf(record)}, as ${login.user} by ${login.credential.kind === 'key' ? 'a key' : 'password'}.`), now);
      });
    } catch (error) {
      this.underway.delete(id);
      over();
      throw error;
    }
    const held = new HeldLogin(login);
    const entry: Entry = {
      place, hostKey: login.hostKey, user: login.user, login: held.use, dialler, clock, release,
      checkKey: () => keys.check(place, key),
      pinKey: (seen) => keys.pin(place, seen, key, { principal, clientAddress, hostInstallId: id }),
      onFindings: (findings) => unit.read.hostInstalls.change(record, { findings }),
    };
    const stay = new Stay();
    void this.work(principal, record, stepsOf(record, entry, stay), stay, abort, clientAddress)
      .catch(this.parts.onFault)
      .finally(() => {
        held.drop();
        this.underway.delete(id);
        over();
      });
    return hostInstallView(record);
  }

  private async work(principal: Principal, record: HostInstallRecord, steps: readonly InstallStep[], stay: Stay, abort: AbortController, clientAddress: string): Promise<void> {
    const { unit, clock, onFault } = this.parts;
    const { signal } = abort;
    const { atOnce } = this.turns;
    const endTurn = await this.turns.take(signal, async () => {
      await unit.read.hostInstalls.change(record, { sentence: `Waits for its turn: ${atOnce} ${atOnce === 1 ? 'host is' : 'hosts are'} worked on at a time.` });
    });
    let failedAt: string | null = null;
    try {
      const outcome = await runSteps(steps, {
        clock, signal, onFault,
        onChange: async (standing) => {
          failedAt = standing.find(({ state }) => state === 'failed')?.step ?? null;
          const current = standing.findLast(({ state }) => state !== 'waiting');
          await unit.read.hostInstalls.change(record, { steps: standing, ...(current === undefined ? {} : { sentence: current.sentence }) });
        },
      });
      // What was sent in part is kept there: begun again, it is gone on with.
      if (stay.visit !== null && failedAt !== 'upload') await stay.visit.end().catch(() => undefined);
      await this.conclude(principal, record, outcome, signal.reason === 'stopping', clientAddress);
    } finally {
      stay.visit?.connection.close();
      stay.visit = null;
      endTurn?.();
    }
  }

  private async conclude(principal: Principal, record: HostInstallRecord, outcome: { readonly state: 'succeeded' | 'failed' | 'cancelled'; readonly sentence: string | null }, isStopping: boolean, clientAddress: string): Promise<void> {
    const { unit, clock } = this.parts;
    const state = isStopping && outcome.state === 'cancelled' ? 'interrupted' : outcome.state;
    await unit.transaction(async (write) => {
      const now = clock.now();
      const latest = (await write.hostInstalls.find(record.id)) ?? record;
      await this.revokeToken(write, latest.joinTokenId);
      const subject = nameOf(latest);
      const sentences = {
        succeeded: record.purpose === 'install' ? (latest.steps.at(-1)?.sentence ?? '') : `${subject} has left the pool. ${latest.steps.at(-1)?.sentence ?? ''}`,
        failed: outcome.sentence ?? 'It failed.',
        cancelled: `It was cancelled. What was being done on the host may go on there for a while, and what was done stays. Begun again, it waits for that and goes on where it was.`,
        interrupted: `The master was stopped while this went on, and what it had logged in with is kept nowhere. Begin again: nothing is lost, it goes on where it was.`,
      } as const;
      await write.hostInstalls.change(latest, { state, sentence: sentences[state], endedAt: now });
      const verb = record.purpose === 'install' ? 'installation' : 'removal';
      const ends = { succeeded: `The ${verb} of ${subject} is done. ${latest.steps.at(-1)?.sentence ?? ''}`, failed: `The ${verb} of ${subject} failed: ${sentences.failed}`, cancelled: `The ${verb} of ${subject} was cancelled.`, interrupted: `The ${verb} of ${subject} was interrupted.` } as const;
      await write.events.append(this.event(principal, latest, state, clientAddress, ends[state]), now);
    });
  }

  private async revokeToken(write: { readonly joinTokens: { revoke(id: string, now: number): Promise<boolean> } }, tokenId: string | null): Promise<void> {
    if (tokenId !== null) await write.joinTokens.revoke(tokenId, this.parts.clock.now());
  }

  private event(principal: Principal, record: HostInstallRecord, verb: string, clientAddress: string, sentence: string) {
    return { kind: `host-install.${verb}`, subjectType: 'host-install', subjectId: record.id, actor: `user ${principal.userName}`, actorUserId: principal.userId, clientAddress, sentence } as const;
  }
}

const nameOf = ({ name, address, port }: HostInstallRecord): string => `${name === null ? '' : `${name} at `}${address}${port === 22 ? '' : ` port ${port}`}`;


/** As it is told to people. */
export function hostInstallView({ id, purpose, address, port, user, name, state, sentence, slaveId, createdByUserId, steps, findings, createdAt, endedAt }: HostInstallRecord): HostInstall {
  return { id, purpose, address, port, user, name, state, sentence, slaveId, createdByUserId, steps: [...steps], findings: [...findings], createdAt: new Date(createdAt).toISOString(), endedAt: endedAt === null ? null : new Date(endedAt).toISOString() };
}
