import type { Page } from '@paravcl/shared/api/page';
import type { Clock } from '@paravcl/shared/clock';
import { hostInstallSteps, type HostInstall, type HostInstallState } from '@paravcl/shared/domain/host-install';
import type { Principal } from '@paravcl/shared/domain/people';
import type { SlaveKind } from '@paravcl/shared/domain/slave';
import { ParavclError } from '@paravcl/shared/errors';
import { newId } from '@paravcl/shared/ids';
import { chooseAddress, type DialRules } from '../core/install-network';
import type { UnitOfWork } from '../db/unit-of-work';
import type { HostInstallRecord } from '../repositories/host-install-repository';
import type { AgentPackage } from './agent-package';
import { HostInstallTurns } from './host-install-turns';
import { HostInstallFault, type HostDialler, type HostLogin, type HostPlace } from './host-install-ports';
import { runSteps, waitingSteps, type InstallStep } from './host-install-runner';
import { installSteps, removalSteps, Stay, type Entry, type InstallWork, type RemovalWork } from './host-install-steps';
import type { JoinTokenService } from './join-token-service';
import { authoriseRole } from './policy';
import type { SlaveService } from './slave-service';

const minuteMs = 60_000;
/** As long as the steps from its making to its use may take. */
const tokenMs = 10 * minuteMs;
const readKeyMs = 20_000;

export interface HostInstallParts {
  readonly unit: UnitOfWork;
  readonly clock: Clock;
  readonly dialler: HostDialler;
  /** The addresses of a name, asked once. Empty: there is no such name. */
  readonly resolve: (name: string) => Promise<readonly string[]>;
  readonly rules: () => DialRules;
  readonly atOnce: number;
  /** What a host gets, the script among it. Throws `not-ready` where this master has none. */
  readonly release: () => Promise<AgentPackage>;
  readonly masterUrl: string;
  /** As `uname -m` says it, of the packaged Node. */
  readonly arch: string;
  readonly joinTokens: Pick<JoinTokenService, 'makeWithin'>;
  readonly slaves: Pick<SlaveService, 'retire'>;
  readonly onFault: (error: unknown) => void;
}

interface LoginWish {
  readonly port: number;
  readonly user: string;
  readonly hostKey: string;
  readonly credential: HostLogin['credential'];
  readonly sudoPassword?: string | undefined;
}

export interface InstallWish extends LoginWish {
  readonly address: string;
  readonly name?: string | undefined;
  readonly slaveKind: SlaveKind;
  readonly preapproved: boolean;
  readonly start: 'systemd' | 'unsupervised';
}

export interface RemovalWish extends LoginWish {
  readonly address?: string | undefined;
  readonly force: boolean;
  readonly keepPackages: boolean;
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

/**
 * Puts the agent on hosts by SSH, and takes it off again. What is done is in the books step by step; what lets somebody in is in memory
 * only, and is dropped at the end. Begun again, every step finds what was done before: that is the way to go on after anything.
 */
export class HostInstallService {
  private readonly underway = new Map<string, Underway>();
  private readonly turns: HostInstallTurns;

  constructor(private readonly parts: HostInstallParts) {
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

  /** The key of a host, for somebody to compare and confirm. */
  async hostKey(principal: Principal, wish: { readonly address: string; readonly port: number }): Promise<{ address: string; resolved: string; port: number; keyType: string; fingerprint: string; standing: 'new' | 'known' | 'changed'; sentence: string }> {
    authoriseRole(principal, 'slave.install');
    const place = await this.placeOf(wish);
    let key;
    try {
      key = await this.parts.dialler.readKey(place, AbortSignal.timeout(readKeyMs));
    } catch (error) {
      if (!(error instanceof HostInstallFault)) throw error;
      throw new ParavclError('host-unreachable', error.message, { field: 'address' });
    }
    const pinned = await this.parts.unit.read.hostKeys.find(place.resolved, place.port);
    const standing = pinned === null ? 'new' : pinned.fingerprint === key.fingerprint ? 'known' : 'changed';
    const who = `${place.address}${place.address === place.resolved ? '' : ` (${place.resolved})`}`;
    const sentences = {
      new: `${who} shows a key that nobody has confirmed here yet: ${key.fingerprint} (${key.keyType}). Compare it with what ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub says on that host.`,
      known: `${who} shows the key that was confirmed before: ${key.fingerprint} (${key.keyType}).`,
      changed: `${who} shows another key than before: now ${key.fingerprint} (${key.keyType}), confirmed was ${pinned?.fingerprint ?? ''}. When it was installed anew, compare the new one on that host; otherwise somebody may be in between.`,
    } as const;
    return { address: place.address, resolved: place.resolved, port: place.port, ...key, standing, sentence: sentences[standing] };
  }

  /** Throws `invalid-input` for an address that may not be dialled, `conflict` while that host is worked on. */
  async install(principal: Principal, wish: InstallWish, clientAddress: string, id: string | null): Promise<HostInstall> {
    authoriseRole(principal, 'slave.install');
    const place = await this.placeOf(wish);
    const { unit, clock, joinTokens } = this.parts;
    return this.begin(principal, wish, place, { id, purpose: 'install', name: wish.name ?? null, slaveId: null }, clientAddress, (record, entry, stay) => {
      let tokenId: string | null = null;
      const work: InstallWork = {
        ...entry,
        name: wish.name ?? null,
        start: wish.start,
        masterUrl: this.parts.masterUrl,
        arch: this.parts.arch,
        slavesOfMachine: (machineId) => unit.read.slaves.unretiredOfMachine(machineId),
        makeToken: () => unit.transaction(async (write) => {
          const made = await joinTokens.makeWithin(write, { kind: wish.slaveKind, maker: principal, preapproved: wish.preapproved, note: `for the installation of ${place.address}`, lifetimeMs: tokenMs, clientAddress }, clock.now());
          tokenId = made.joinToken.id;
          await write.hostInstalls.change(record, { joinTokenId: tokenId });
          return made.token;
        }),
        slaveOfToken: async () => (tokenId === null ? null : ((await unit.read.joinTokens.find(tokenId))?.usedBySlaveId ?? null)),
        forget: async (slaveId) => void (await this.parts.slaves.retire(principal, slaveId, false, clientAddress)),
        slave: (slaveId) => unit.read.slaves.find(slaveId),
        onSlave: (slaveId) => unit.read.hostInstalls.change({ ...record, slaveId }, { slaveId }),
      };
      return installSteps(work, stay);
    });
  }

  /** Retires a slave under the rules of `retire`, and undoes its installation. */
  async remove(principal: Principal, slaveId: string, wish: RemovalWish, clientAddress: string, id: string | null): Promise<HostInstall> {
    authoriseRole(principal, 'slave.install');
    const { unit } = this.parts;
    const slave = await unit.read.slaves.find(slaveId);
    if (slave === null) throw new ParavclError('not-found', `There is no host ${slaveId}, or it is not yours to see.`);
    const address = wish.address ?? slave.address;
    if (address === null) throw new ParavclError('invalid-input', `address: nobody knows where ${slave.name} is. Give its address.`, { field: 'address' });
    const place = await this.placeOf({ address, port: wish.port });
    return this.begin(principal, wish, place, { id, purpose: 'remove', name: slave.name, slaveId }, clientAddress, (_, entry, stay) => {
      const work: RemovalWork = {
        ...entry,
        slaveId,
        slave: () => unit.read.slaves.find(slaveId),
        retire: async () => void (await this.parts.slaves.retire(principal, slaveId, wish.force, clientAddress)),
        force: wish.force,
        keepPackages: wish.keepPackages,
      };
      return removalSteps(work, stay);
    });
  }

  async list(principal: Principal, query: { readonly limit: number; readonly cursor?: string | undefined; readonly state?: HostInstallState | undefined; readonly slaveId?: string | undefined }): Promise<Page<HostInstall>> {
    authoriseRole(principal, 'slave.install');
    const { items, next } = await this.parts.unit.read.hostInstalls.page(query);
    return { items: items.map(view), next };
  }

  async get(principal: Principal, id: string): Promise<HostInstall> {
    return view(await this.find(principal, id));
  }

  /** Throws `conflict` when it is over. */
  async cancel(principal: Principal, id: string): Promise<HostInstall> {
    const record = await this.find(principal, id);
    const underway = this.underway.get(id);
    if (underway === undefined) throw new ParavclError('conflict', `This is over: ${record.sentence}`);
    underway.abort.abort();
    await underway.over;
    return this.get(principal, id);
  }

  /** Gives up what goes on, and waits for it: the master ends. What it gave up is interrupted. */
  async stop(): Promise<void> {
    for (const { abort } of this.underway.values()) abort.abort('stopping');
    await Promise.all([...this.underway.values()].map(({ over }) => over));
  }

  private async find(principal: Principal, id: string): Promise<HostInstallRecord> {
    authoriseRole(principal, 'slave.install');
    const record = await this.parts.unit.read.hostInstalls.find(id);
    if (record === null) throw new ParavclError('not-found', `There is no host install ${id}, or it is not yours to see.`);
    return record;
  }

  /** Looked up once: what is answered here is judged, and is what is dialled. */
  private async placeOf({ address, port }: { readonly address: string; readonly port: number }): Promise<HostPlace> {
    const resolved = await this.parts.resolve(address);
    if (resolved.length === 0) throw new ParavclError('invalid-input', `address: there is no host called ${address}. See how it is written, or give its address.`, { field: 'address' });
    const chosen = chooseAddress(resolved, port, this.parts.rules());
    if ('refusal' in chosen) throw new ParavclError('invalid-input', `address: ${chosen.refusal}`, { field: 'address', limit: 'hostInstalls.networks, hostInstalls.ports' });
    return { address, resolved: chosen.address, port };
  }

  private async begin(
    principal: Principal,
    wish: LoginWish,
    place: HostPlace,
    about: { readonly id: string | null; readonly purpose: HostInstallRecord['purpose']; readonly name: string | null; readonly slaveId: string | null },
    clientAddress: string,
    stepsOf: (record: HostInstallRecord, entry: Entry, stay: Stay) => readonly InstallStep[],
  ): Promise<HostInstall> {
    const { unit, clock } = this.parts;
    const at = `${place.resolved} ${place.port}`;
    const now = clock.now();
    const id = about.id ?? newId(now);
    // Done again under its id, after a fault: it is there.
    const before = about.id === null ? null : await unit.read.hostInstalls.find(id);
    if (before !== null) return view(before);
    const other = [...this.underway].find(([, underway]) => underway.at === at);
    if (other !== undefined) throw new ParavclError('conflict', `${place.address} is worked on already (host install ${other[0]}). Follow that one, or cancel it first.`);
    const record: HostInstallRecord = {
      id, purpose: about.purpose, address: place.address, resolved: place.resolved, port: place.port, user: wish.user, name: about.name, state: 'running', sentence: 'It begins.',
      slaveId: about.slaveId, joinTokenId: null, steps: waitingSteps(hostInstallSteps[about.purpose]), findings: [], createdByUserId: principal.userId, createdAt: now, endedAt: null,
    };
    const abort = new AbortController();
    let over: () => void = () => undefined;
    // No wait since it was looked for: of two that come at once, one is told of the other.
    this.underway.set(id, { at, abort, over: new Promise((resolve) => (over = resolve)) });
    try {
      await unit.transaction(async (write) => {
        await write.hostInstalls.insert(record);
        await write.events.append(this.event(principal, record, 'began', clientAddress, `${principal.userName} began to ${about.purpose === 'install' ? 'install' : 'remove'} ${nameOf(record)}, as ${wish.user} by ${wish.credential.kind === 'key' ? 'a key' : 'password'}.`), now);
      });
    } catch (error) {
      this.underway.delete(id);
      over();
      throw error;
    }
    const held = new HeldLogin(wish);
    const entry: Entry = {
      place, hostKey: wish.hostKey, user: wish.user, login: held.use, dialler: this.parts.dialler, clock, release: this.parts.release,
      pinKey: (key) => unit.read.hostKeys.pin({ address: place.resolved, port: place.port, ...key, confirmedByUserId: principal.userId, confirmedAt: clock.now() }),
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
    return view(record);
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
        succeeded: record.purpose === 'install' ? (latest.steps.at(-1)?.sentence ?? '') : `${subject} has left the pool, and nothing of ParaVCL is left on ${record.address}.`,
        failed: outcome.sentence ?? 'It failed.',
        cancelled: `It was cancelled. What was done stays; begun again, it goes on where it was.`,
        interrupted: `The master was stopped while this went on, and what it had logged in with is kept nowhere. Begin again: nothing is lost, it goes on where it was.`,
      } as const;
      await write.hostInstalls.change(latest, { state, sentence: sentences[state], endedAt: now });
      const verb = record.purpose === 'install' ? 'installation' : 'removal';
      const ends = { succeeded: `The ${verb} of ${subject} is done.`, failed: `The ${verb} of ${subject} failed: ${sentences.failed}`, cancelled: `The ${verb} of ${subject} was cancelled.`, interrupted: `The ${verb} of ${subject} was interrupted.` } as const;
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

function view({ id, purpose, address, port, user, name, state, sentence, slaveId, createdByUserId, steps, findings, createdAt, endedAt }: HostInstallRecord): HostInstall {
  return { id, purpose, address, port, user, name, state, sentence, slaveId, createdByUserId, steps: [...steps], findings: [...findings], createdAt: new Date(createdAt).toISOString(), endedAt: endedAt === null ? null : new Date(endedAt).toISOString() };
}
