import type { AccessPattern } from '@paravcl/shared/chunks/access-pattern';
import type { Manifest, ManifestId } from '@paravcl/shared/chunks/manifest';
import type { ImageHolding, MasterToMirror, PreCopy } from '@paravcl/shared/chunks/mirror-messages';
import type { MirrorFleet, MirrorStanding } from '../services/mirror-fleet';
import type { ChunkRepair } from './chunk-repair';
import type { ImageSpreadRegistry } from './image-spread-registry';

type RefusalCode = Extract<MasterToMirror, { type: 'refused' }>['code'];
type Wanted = readonly { readonly manifest: ManifestId; readonly what: PreCopy }[];

/** What the fleet needs of a connection; `mirror-session.ts` is one. */
export interface RegisteredMirror {
  /** Rises with every connection: of two of one slave the greater is the newer. */
  readonly order: number;
  send(message: MasterToMirror): void;
  /** Says why and ends. */
  refuse(code: RefusalCode, sentence: string): void;
}

/** As many as one message of its kind may name. */
const mostNamed = 500;

/** The newest accepted connection of every mirror: how services reach them, and what they said of themselves. */
export class ConnectedMirrors implements MirrorFleet {
  private readonly sessions = new Map<string, RegisteredMirror>();
  private readonly told = new Map<string, MirrorStanding>();
  private readonly wanted = new Map<string, Wanted>();
  private readonly listeners: (() => void)[] = [];

  constructor(
    private readonly registry: ImageSpreadRegistry,
    private readonly repair: ChunkRepair,
  ) {}

  /** Mirrors whose hello was accepted and that are connected now. */
  get size(): number {
    return this.sessions.size;
  }

  /** The newest connection wins; the older one is told and ends. False when this one is the older. */
  register(session: RegisteredMirror, slaveId: string): boolean {
    const other = this.sessions.get(slaveId);
    if (other !== undefined && other.order > session.order) return false;
    this.sessions.set(slaveId, session);
    other?.refuse('newer-session', 'A newer connection of this mirror took over. If two machines use this host’s key, one of them is a copy.');
    this.registry.faults.cameAnew(slaveId);
    return true;
  }

  /** To be called once it was welcomed: sends what is wanted ahead there. */
  welcomed(slaveId: string): void {
    const before = this.told.get(slaveId);
    this.told.set(slaveId, { slaveId, images: before?.images ?? [], poolFull: before?.poolFull ?? false, connected: true });
    const images = this.wanted.get(slaveId);
    if (images !== undefined) this.sessions.get(slaveId)?.send({ type: 'pre-copy', images: [...images] });
    this.notify();
  }

  remove(session: RegisteredMirror, slaveId: string): void {
    if (this.sessions.get(slaveId) !== session) return;
    this.sessions.delete(slaveId);
    const standing = this.told.get(slaveId);
    if (standing !== undefined) this.told.set(slaveId, { ...standing, connected: false });
    this.notify();
  }

  holds(slaveId: string, images: readonly ImageHolding[], poolFull: boolean): void {
    this.told.set(slaveId, { slaveId, images, poolFull, connected: this.sessions.has(slaveId) });
    this.notify();
  }

  /** Whether this mirror was connected since the start. */
  isKnown(slaveId: string): boolean {
    return this.told.has(slaveId);
  }

  /** The slave is let in no more: its mirror goes at once, and nobody is sent to it. */
  shutOut(slaveId: string, sentence: string): void {
    this.sessions.get(slaveId)?.refuse('not-approved', sentence);
  }

  standings(): ReadonlyMap<string, MirrorStanding> {
    return this.told;
  }

  setPreCopy(slaveId: string, images: Wanted): void {
    const wanted = images.slice(0, mostNamed);
    if (JSON.stringify(this.wanted.get(slaveId)) === JSON.stringify(wanted)) return;
    this.wanted.set(slaveId, wanted);
    this.sessions.get(slaveId)?.send({ type: 'pre-copy', images: [...wanted] });
  }

  patternChanged(manifest: ManifestId, pattern: AccessPattern): void {
    this.registry.patternChanged(manifest, pattern);
  }

  gone(manifests: readonly ManifestId[]): void {
    for (let start = 0; start < manifests.length; start += mostNamed) {
      const message: MasterToMirror = { type: 'gone', manifests: manifests.slice(start, start + mostNamed) };
      for (const session of this.sessions.values()) session.send(message);
    }
  }

  openManifest(manifest: ManifestId): Manifest | null {
    return this.registry.find(manifest)?.manifest ?? null;
  }

  fetchFromMirrors(manifest: ManifestId, index: number): Promise<Buffer | null> {
    return this.repair.fetch(manifest, index);
  }

  onChange(listener: () => void): void {
    this.listeners.push(listener);
  }

  private notify(): void {
    for (const listener of this.listeners) listener();
  }
}
