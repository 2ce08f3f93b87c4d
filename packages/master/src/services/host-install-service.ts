import type { Page } from '@paravcl/shared/api/page';
import type { HostInstall, HostInstallState } from '@paravcl/shared/domain/host-install';
import type { Principal } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';
import { judgeBelonging } from '../core/host-belonging';
import { chooseAddress, portRefusal, type DialRules } from '../core/install-network';
import type { HostInstallChoices, HostInstallRecord } from '../repositories/host-install-repository';
import { HostInstallFault, type HostPlace } from './host-install-ports';
import { HostInstallRuns, hostInstallView, type HostInstallRunParts, type LoginWish } from './host-install-runs';
import { installSteps, type InstallWork } from './host-install-steps';
import { removalSteps, type RemovalWork } from './host-removal-steps';
import { HostKeyConfirmation, type HostKeyShown } from './host-key-confirmation';
import type { JoinTokenService, MasterAddress } from './join-token-service';
import { newHostOwner } from './new-host-owner';
import { authoriseRole } from './policy';
import type { SlaveService } from './slave-service';

const minuteMs = 60_000;
/** As long as the steps from its making to its use may take. */
const tokenMs = 10 * minuteMs;

export interface HostInstallParts extends Omit<HostInstallRunParts, 'keys'> {
  /** The addresses of a name, asked once. Empty: there is no such name. */
  readonly resolve: (name: string) => Promise<readonly string[]>;
  readonly rules: () => DialRules;
  readonly master: MasterAddress;
  /** As `uname -m` says it, of the packaged Node. */
  readonly arch: string;
  readonly joinTokens: Pick<JoinTokenService, 'makeWithin'>;
  readonly slaves: Pick<SlaveService, 'retire'>;
}

export interface InstallWish extends LoginWish, Omit<HostInstallChoices, 'ownerUserId'> {
  readonly address: string;
  readonly name?: string | undefined;
  /** Of a volunteer: who asks for it unless told. */
  readonly ownerUserId?: string | undefined;
}

export interface RemovalWish extends LoginWish {
  readonly address?: string | undefined;
  readonly force: boolean;
  readonly deleteDisks: boolean;
  readonly keepPackages: boolean;
}

/**
 * Puts the agent on hosts by SSH, and takes it off again. What is done is in the books step by step; what lets somebody in is in memory
 * only, and is dropped at the end. Begun again, every step finds what was done before: that is the way to go on after anything.
 */
export class HostInstallService {
  private readonly keys: HostKeyConfirmation;
  private readonly runs: HostInstallRuns;

  constructor(private readonly parts: HostInstallParts) {
    this.keys = new HostKeyConfirmation(parts);
    this.runs = new HostInstallRuns({ ...parts, keys: this.keys });
  }

  /** What ran when the master ended is interrupted: what let it in is gone. Join tokens that were made for it are revoked. */
  recover(): Promise<void> {
    return this.runs.recover();
  }

  /** The key of a host, for somebody to compare and confirm. */
  async hostKey(principal: Principal, wish: { readonly address: string; readonly port: number }): Promise<HostKeyShown> {
    authoriseRole(principal, 'slave.install');
    return this.keys.show(await this.placeOf(wish));
  }

  /** Throws `invalid-input` for an address that may not be dialled and `not-found` or `conflict` for an owner that cannot be one, `conflict` while that host is worked on, or where another key is pinned. */
  async install(principal: Principal, wish: InstallWish, clientAddress: string, id: string | null): Promise<HostInstall> {
    authoriseRole(principal, 'slave.install');
    const { unit, clock, joinTokens } = this.parts;
    const { slaveKind, preapproved, start } = wish;
    // Before anything is judged, which may have changed since.
    const begun = await this.runs.begun(id);
    if (begun !== null) return begun;
    const owner = await newHostOwner(unit.read, principal, slaveKind, wish.ownerUserId);
    const place = await this.placeOf(wish);
    const choices = { slaveKind, ownerUserId: owner?.userId ?? null, preapproved, start };
    return this.runs.begin({ principal, clientAddress, place, login: wish, id, purpose: 'install', name: wish.name ?? null, slaveId: null, choices, owner, keepPackages: null }, (record, entry, stay) => {
      let tokenId: string | null = null;
      const work: InstallWork = {
        ...entry,
        name: wish.name ?? null,
        start,
        masterUrl: this.parts.master.url,
        caFingerprint: this.parts.master.caFingerprint,
        arch: this.parts.arch,
        slavesOfMachine: (machineId) => unit.read.slaves.unretiredOfMachine(machineId),
        installedHere: () => unit.read.hostInstalls.slavesInstalledAt(record),
        belongsOtherwise: async (slaveId) => {
          const slave = await unit.read.slaves.find(slaveId);
          if (slave === null) return [];
          const { name, kind, ownerUserId: userId } = slave;
          const userName = userId === null ? undefined : (await unit.read.users.namesOf([userId])).get(userId);
          return judgeBelonging({ name, kind, owner: userId === null ? null : { userId, userName: userName ?? userId } }, { kind: slaveKind, owner });
        },
        makeToken: async () => {
          const made = await unit.transaction(async (write) => {
            // Until now the account may have gone or been disabled.
            const still = await newHostOwner(write, principal, slaveKind, wish.ownerUserId);
            const { joinToken, token } = await joinTokens.makeWithin(write, { kind: slaveKind, maker: principal, owner: still, preapproved, note: `for the installation of ${place.address}`, lifetimeMs: tokenMs, clientAddress }, clock.now());
            // Nobody would revoke it after the end.
            if (!(await write.hostInstalls.change(record, { joinTokenId: joinToken.id }))) throw new HostInstallFault('This was ended meanwhile, and nobody enrols by it any more. Begin again.');
            return { id: joinToken.id, token };
          });
          tokenId = made.id;
          return made.token;
        },
        slaveOfToken: async () => (tokenId === null ? null : ((await unit.read.joinTokens.find(tokenId))?.usedBySlaveId ?? null)),
        forget: async (slaveId) => void (await this.parts.slaves.retire(principal, slaveId, false, clientAddress)),
        slave: (slaveId) => unit.read.slaves.find(slaveId),
        onSlave: async (slaveId) => void (await unit.read.hostInstalls.change({ ...record, slaveId }, { slaveId })),
      };
      return installSteps(work, stay);
    });
  }

  /** Retires a slave under the rules of `retire`, and undoes its installation. */
  async remove(principal: Principal, slaveId: string, wish: RemovalWish, clientAddress: string, id: string | null): Promise<HostInstall> {
    authoriseRole(principal, 'slave.install');
    const { unit } = this.parts;
    const begun = await this.runs.begun(id);
    if (begun !== null) return begun;
    const slave = await unit.read.slaves.find(slaveId);
    if (slave === null) throw new ParavclError('not-found', `There is no host ${slaveId}, or it is not yours to see.`);
    const address = wish.address ?? slave.address;
    if (address === null) throw new ParavclError('invalid-input', `address: nobody knows where ${slave.name} is. Give its address.`, { field: 'address' });
    const place = await this.placeOf({ address, port: wish.port });
    return this.runs.begin({ principal, clientAddress, place, login: wish, id, purpose: 'remove', name: slave.name, slaveId, choices: null, owner: null, keepPackages: wish.keepPackages }, (_, entry, stay) => {
      const work: RemovalWork = {
        ...entry,
        slaveId,
        slave: () => unit.read.slaves.find(slaveId),
        retire: async () => void (await this.parts.slaves.retire(principal, slaveId, wish.force, clientAddress)),
        deleteDisks: wish.deleteDisks,
        keepPackages: wish.keepPackages,
      };
      return removalSteps(work, stay);
    });
  }

  async list(principal: Principal, query: { readonly limit: number; readonly cursor?: string | undefined; readonly state?: HostInstallState | undefined; readonly slaveId?: string | undefined }): Promise<Page<HostInstall>> {
    authoriseRole(principal, 'slave.install');
    const { items, next } = await this.parts.unit.read.hostInstalls.page(query);
    return { items: items.map(hostInstallView), next };
  }

  async get(principal: Principal, id: string): Promise<HostInstall> {
    return hostInstallView(await this.find(principal, id));
  }

  /** Gives up what is being done. Throws `conflict` when it is over, or came to its end before it could be given up. */
  async cancel(principal: Principal, id: string): Promise<HostInstall> {
    await this.find(principal, id);
    const isCancelled = await this.runs.cancel(id);
    const record = await this.find(principal, id);
    if (!isCancelled) throw new ParavclError('conflict', `This is over: ${record.sentence}`);
    return hostInstallView(record);
  }

  /** Gives up what goes on, and waits for it: the master ends. What it gave up is interrupted. */
  stop(): Promise<void> {
    return this.runs.stop();
  }

  private async find(principal: Principal, id: string): Promise<HostInstallRecord> {
    authoriseRole(principal, 'slave.install');
    const record = await this.parts.unit.read.hostInstalls.find(id);
    if (record === null) throw new ParavclError('not-found', `There is no host install ${id}, or it is not yours to see.`);
    return record;
  }

  /** Looked up once: what is answered here is judged, and is what is dialled. */
  private async placeOf({ address, port }: { readonly address: string; readonly port: number }): Promise<HostPlace> {
    const rules = this.parts.rules();
    const notThisPort = portRefusal(port, rules);
    if (notThisPort !== null) throw new ParavclError('invalid-input', `port: ${notThisPort}`, { field: 'port', limit: 'hostInstalls.ports' });
    const resolved = await this.parts.resolve(address);
    if (resolved.length === 0) throw new ParavclError('invalid-input', `address: there is no host called ${address}. See how it is written, or give its address.`, { field: 'address' });
    const chosen = chooseAddress(resolved, rules);
    if ('refusal' in chosen) throw new ParavclError('invalid-input', `address: ${chosen.refusal}`, { field: 'address', limit: 'hostInstalls.networks' });
    return { address, resolved: chosen.address, port };
  }
}
