import type { Cancel, Clock } from '@paravcl/shared/clock';
import { mostPatternChunks, type ReadPhase, type Recording } from '@paravcl/shared/chunks/access-pattern';
import { chunkCount, type ManifestId } from '@paravcl/shared/chunks/manifest';
import { Bitmap } from './bitmap';
import type { KnownImage } from './chunk-source';
import type { ReadFollower } from './image-export';

export interface ReadRecorderOptions {
  readonly clock: Clock;
  /** Instances that were on this host before the mirror started: their boot may have begun before it. */
  readonly earlier: Iterable<string>;
  /** Given each recording once. */
  readonly finished: (manifest: ManifestId, instanceId: string, recording: Recording) => void;
}

/** What a guest reads so long after its boot is the application; later reads say more about its user. */
const applicationMs = 600_000;
/** A boot that is not over by then tells nothing about boots. */
const bootMs = 1_800_000;
const mostRecordings = 64;
const mostRemembered = 20_000;

interface Session {
  readonly manifest: ManifestId;
  readonly seen: Bitmap;
  readonly chunks: Readonly<Record<ReadPhase, number[]>>;
  phase: ReadPhase;
  readers: number;
  cancel: Cancel;
}

const phases: readonly ReadPhase[] = ['boot', 'application', 'shutdown'];

/**
 * Writes down which chunks an instance reads at its first boot on this host, each where it is first read. The recording
 * is handed on when the guest was shut down, or some time after its boot ended; of a boot that did not end there is none.
 */
export class ReadRecorder {
  private readonly sessions = new Map<string, Session>();
  private readonly over: Set<string>;

  constructor(private readonly options: ReadRecorderOptions) {
    this.over = new Set(options.earlier);
  }

  /** A connection of this instance began to read; null when it is not recorded. Chunks of zeros cost nothing and are left out. */
  begin(image: KnownImage & { isZero(index: number): boolean }, instanceId: string): ReadFollower | null {
    const session = this.sessions.get(instanceId) ?? this.start(image, instanceId);
    if (session?.manifest !== image.id) return null;
    session.readers += 1;
    return {
      read: (firstChunk, lastChunk) => {
        for (let index = firstChunk; index <= lastChunk; index += 1) {
          if (!session.seen.add(index) || image.isZero(index)) continue;
          const chunks = session.chunks[session.phase];
          if (chunks.length < mostPatternChunks) chunks.push(index);
        }
      },
      end: () => {
        session.readers -= 1;
        if (session.readers === 0 && session.phase === 'shutdown') this.finish(instanceId, session);
      },
    };
  }

  /** Where the guest is now; one that is not recorded is no matter. */
  phase(instanceId: string, phase: ReadPhase): void {
    const session = this.sessions.get(instanceId);
    if (session === undefined || phases.indexOf(phase) <= phases.indexOf(session.phase)) return;
    // Ended before it came up: what it read is no boot.
    if (session.phase === 'boot' && phase === 'shutdown') return this.drop(instanceId, session);
    session.phase = phase;
    session.cancel();
    if (phase === 'application') session.cancel = this.options.clock.after(applicationMs, () => this.finish(instanceId, session));
    else if (session.readers === 0) this.finish(instanceId, session);
  }

  private start({ id, manifest }: KnownImage, instanceId: string): Session | null {
    if (this.over.has(instanceId) || this.sessions.size >= mostRecordings) return null;
    const session: Session = { manifest: id, seen: new Bitmap(chunkCount(manifest)), chunks: { boot: [], application: [], shutdown: [] }, phase: 'boot', readers: 0, cancel: () => undefined };
    session.cancel = this.options.clock.after(bootMs, () => this.drop(instanceId, session));
    this.sessions.set(instanceId, session);
    return session;
  }

  private finish(instanceId: string, session: Session): void {
    this.drop(instanceId, session);
    if (session.chunks.boot.length > 0) this.options.finished(session.manifest, instanceId, session.chunks);
  }

  private drop(instanceId: string, session: Session): void {
    if (this.sessions.get(instanceId) !== session) return;
    session.cancel();
    this.sessions.delete(instanceId);
    this.over.add(instanceId);
    for (const oldest of this.over) {
      if (this.over.size <= mostRemembered) break;
      this.over.delete(oldest);
    }
  }
}
