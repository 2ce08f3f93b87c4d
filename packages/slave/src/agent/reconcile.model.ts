import { wantedDiskEpoch, type ImageRef, type InstanceSpec } from '@paravcl/shared/protocol/desired-instance';
import type { DomainState } from '../hypervisor/driver';
import { steadyMs } from './disk-error';
import { failedAgain, type Failure, type FailureCode } from './failures';
import { nothingRecollected, type HostFacts, type KnownInstance, type Recollection } from './host-facts';
import type { Marks } from './marks';
import { stepKey, type Step } from './steps';

/** A host of values for the tests of `reconcile`: every step does what the real one does, or breaks the test. */
export interface ModelHost {
  domain: { state: DomainState; generation: number; destroyed?: true } | null;
  files: boolean;
  /** Of its files, while there are any. */
  epoch: number;
  leftovers: boolean;
  /** Of its files, while there are any. */
  awaitsRam: boolean;
  /** Somebody has run on its disk since that was made. */
  written: boolean;
  missingImages: ImageRef[];
  address: 'right' | 'wrong' | 'none';
  networkReady: boolean;
  leased: boolean;
  hostBootId: string;
  mirror: HostFacts['mirror'];
  /** Of a guest that came from another host, or was about to go there, until it goes on here: QEMU has its disks closed, and dies of a save. */
  disksClosed?: boolean;
}

/** How this guest behaves and what goes wrong; each fault is used once. */
export interface ModelGuest {
  takesAddress: boolean;
  obeysPowerButton: boolean;
  /** So many resumes still end in the next disk error. */
  diskErrors: number;
  faults: (FailureCode | null)[];
  /** Every save of it fails so. */
  saveFails?: FailureCode;
  /** Called with each time that it leaves for another host. */
  sent?: () => void;
  /** How long each of its saves in turn waits for those of others; the last for all that follow. */
  saveWaitsMs?: number[];
}

const active: readonly DomainState[] = ['running', 'paused', 'migrating', 'paused-io', 'shutting-down', 'crashed'];

export class Model {
  nowMs = 1000;
  recollection: Recollection & { failures: Map<string, Failure> } = { ...nothingRecollected, failures: new Map() };
  readonly done: string[] = [];

  constructor(
    readonly instanceId: string,
    readonly spec: InstanceSpec,
    readonly host: ModelHost,
    readonly guest: ModelGuest,
    public known: KnownInstance,
  ) {}

  facts(): HostFacts {
    const { host } = this;
    return {
      domain: host.domain === null ? null : { instanceId: this.instanceId, name: this.spec.name, ...host.domain },
      files: host.files,
      diskEpoch: host.files ? host.epoch : null,
      leftovers: host.leftovers,
      awaitsRam: host.files && host.awaitsRam,
      missingImages: this.missingImages(),
      reservedMac: host.address === 'none' || !host.networkReady ? null : this.spec.mac,
      reservationUnknown: !host.networkReady,
      addressRight: host.address === 'right' && host.networkReady,
      leased: host.leased && host.domain?.state === 'running',
      networkReady: host.networkReady,
      hostBootId: host.hostBootId,
      mirror: host.mirror,
    };
  }

  /** Its RAM is an image it needs only while it is to come. */
  private missingImages(): readonly ImageRef[] {
    const { missingImages, files, awaitsRam } = this.host;
    const ram = this.known.desired?.spec?.ram;
    const needs = ram !== undefined && (!files || awaitsRam);
    return missingImages.filter(({ sha256 }) => needs || (sha256 !== this.spec.ram?.sha256 && sha256 !== ram?.sha256));
  }

  /** The runner's bookkeeping before a plan. */
  look(): void {
    const state = this.host.domain?.state;
    const booting = state === 'running' && this.known.marks.up !== 'yes';
    const { pausedSinceMs } = this.recollection;
    const trouble = this.recollection.failures.get('resume-disk');
    if (state === 'running' && trouble !== undefined && this.nowMs >= trouble.retryAtMs + steadyMs) this.recollection.failures.delete('resume-disk');
    this.recollection = {
      ...this.recollection,
      bootingSinceMs: booting ? (this.recollection.bootingSinceMs ?? this.nowMs) : null,
      pausedSinceMs: state === 'paused' ? (pausedSinceMs ?? this.nowMs) : null,
      savesAtOnce: (this.guest.saveWaitsMs?.[0] ?? 0) === 0,
      stopping: state === 'running' || state === 'shutting-down' ? this.recollection.stopping : null,
    };
  }

  /** The power of the host goes and comes back: what was active is off, what was saved is saved. */
  restartHost(): void {
    const { domain } = this.host;
    if (domain !== null && active.includes(domain.state)) this.host.domain = { ...domain, state: 'off' };
    this.host.disksClosed = false;
    this.host.hostBootId = `${this.host.hostBootId}+`;
    this.host.leased = false;
  }

  /** The agent dies in the middle of the step: what the journal says of it is written, and the act is as far as it goes by itself. */
  die(step: Step): void {
    if ('before' in step) this.note(step.before);
    if (step.kind === 'remove-files' && this.host.files) [this.host.files, this.host.leftovers] = [false, true];
    if (step.kind === 'create-files' && !this.host.files) this.host.leftovers = true;
    // The driver has the RAM, and nobody has written down that it is awaited no longer.
    if (step.kind === 'adopt-ram' && this.host.domain?.state === 'off') this.become('saved');
    this.restartAgent();
  }

  /** What it remembered goes, and what it was making is swept when it opens the pool. */
  restartAgent(): void {
    this.recollection = { ...nothingRecollected, failures: new Map() };
    this.host.leftovers = false;
  }

  apply(step: Step): void {
    this.done.push(step.kind);
    if (step.kind === 'shutdown') this.recollection = { ...this.recollection, stopping: { askedAtMs: this.nowMs, destroyAtMs: step.destroyAtMs } };
    const { failures } = this.recollection;
    if (step.kind === 'save' && !this.hasTurn(step.turnByMs)) {
      failures.set('save', failedAgain(failures.get('save'), 'no-turn', 'model no-turn', this.nowMs));
      return;
    }
    const fault = this.guest.faults.shift() ?? (step.kind === 'save' ? this.guest.saveFails : null) ?? null;
    if (fault !== null && step.kind !== 'note' && step.kind !== 'give-up') {
      failures.set(stepKey(step), failedAgain(failures.get(stepKey(step)), fault, `model ${fault}`, this.nowMs));
      return;
    }
    this.perform(step);
    if (step.kind === 'resume-disk') failures.set(stepKey(step), failedAgain(failures.get(stepKey(step)), 'no-effect', '', this.nowMs));
    else failures.delete(stepKey(step));
  }

  /** The save waits for those of others; time passes meanwhile. */
  private hasTurn(turnByMs: number | null): boolean {
    const { saveWaitsMs = [] } = this.guest;
    const waitMs = (saveWaitsMs.length > 1 ? saveWaitsMs.shift() : saveWaitsMs[0]) ?? 0;
    const hasTurn = turnByMs === null || this.nowMs + waitMs <= turnByMs;
    this.nowMs = hasTurn ? this.nowMs + waitMs : Math.max(this.nowMs, turnByMs ?? 0);
    return hasTurn;
  }

  private perform(step: Step): void {
    const { host } = this;
    const is = (...states: (DomainState | null)[]): void => {
      if (!states.includes(host.domain?.state ?? null)) throw new Error(`${step.kind} of a domain that is ${host.domain?.state ?? 'absent'}`);
    };
    switch (step.kind) {
      case 'fetch-image':
        host.missingImages = host.missingImages.filter((image) => image.sha256 !== step.image.sha256);
        return;
      case 'create-files':
        if (this.missingImages().length > 0) throw new Error('an overlay over an image that is not there');
        this.note(step.before);
        // What is there already is kept.
        if (!host.files) [host.epoch, host.awaitsRam, host.written] = [wantedDiskEpoch(step.spec), step.spec.ram !== undefined, false];
        host.files = true;
        host.leftovers = false;
        return;
      case 'reserve-address':
        host.address = 'right';
        // A guest that booted before asks again and again.
        if (host.domain?.state === 'running') host.leased = host.leased || this.guest.takesAddress;
        return;
      case 'define':
        host.domain = { state: host.domain?.state ?? 'off', generation: step.generation };
        return;
      case 'adopt-ram':
        is('off', 'saved');
        if (!host.files || !host.awaitsRam || host.written) throw new Error('RAM for a disk that does not await it');
        if (host.domain?.state === 'off' && (step.spec.ram === undefined || this.missingImages().length > 0)) throw new Error('RAM that is not there is adopted');
        this.become('saved');
        host.awaitsRam = false;
        return;
      case 'give-up-ram':
        host.awaitsRam = false;
        return;
      case 'start':
        is('off', 'saved', 'crashed');
        if (!host.files || this.missingImages().length > 0) throw new Error('a start without files');
        if (host.awaitsRam) throw new Error('started while it awaits RAM');
        this.note(step.before);
        host.leased = host.domain?.state === 'saved' ? host.leased : this.guest.takesAddress && host.address === 'right';
        this.become('running');
        return;
      case 'resume-disk':
        is('paused-io');
        if (this.guest.diskErrors > 0) this.guest.diskErrors -= 1;
        else this.become('running');
        return;
      case 'shutdown':
        is('running', 'shutting-down');
        this.note(step.before);
        if (this.guest.obeysPowerButton) this.become('off');
        return;
      case 'destroy':
        is(...active);
        this.note(step.before);
        this.become('off');
        return;
      case 'pause':
        is('running');
        this.become('paused');
        return;
      case 'continue':
        is('paused', 'migrating');
        this.note(step.before);
        this.become('running');
        return;
      case 'save':
        is('running', 'paused', 'migrating', 'paused-io');
        if (host.disksClosed === true) throw new Error('saved before it went on here');
        this.become('saved');
        return;
      case 'send-guest':
        is('running');
        this.guest.sent?.();
        host.domain = null;
        return;
      case 'undefine':
        is('off', 'saved');
        this.note(step.before);
        host.domain = null;
        return;
      case 'release-address':
        if (step.mac !== this.spec.mac) throw new Error('released the address of another instance');
        host.address = 'none';
        return;
      case 'remove-files':
        if (host.domain !== null && host.domain.state !== 'off' && host.domain.state !== 'saved') throw new Error('the disk of a guest that runs is removed');
        this.note(step.before);
        host.files = false;
        host.awaitsRam = false;
        host.leftovers = false;
        return;
      case 'note':
        return this.note(step.marks);
      case 'give-up':
        return this.note({ failed: { generation: step.generation, reason: step.reason } });
    }
  }

  private become(state: DomainState): void {
    if (state === 'running') this.host.written = true;
    this.host.disksClosed = false;
    if (this.host.domain !== null) this.host.domain = { ...this.host.domain, state };
  }

  private note(change: Partial<Marks>): void {
    this.known = { ...this.known, marks: { ...this.known.marks, ...change } };
  }
}
