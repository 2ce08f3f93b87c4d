import { rm } from 'node:fs/promises';
import type { Clock } from '@paravcl/shared/clock';
import type { Command, SentHome } from '@paravcl/shared/protocol/commands';
import type { HomeVolumes } from '../disks/home-volumes';
import type { DeltaUpload } from '../link/delta-upload';
import type { Journal } from './journal';
import type { JournalState } from './journal-state';
import { Slots } from './slots';

type SendHome = Extract<Command, { readonly kind: 'send-home' }>;
type DropHome = Extract<Command, { readonly kind: 'drop-home' }>;

export interface HomeCommandParts {
  readonly clock: Clock;
  readonly journal: Journal;
  readonly homes: HomeVolumes;
  readonly upload: Pick<DeltaUpload, 'send'>;
}

/** Each reads a disk, and all share the host's link. */
const uploadsAtOnce = 2;

interface Sending {
  readonly done: Promise<SentHome>;
  /** When the last who asked has waited long enough, monotonic. */
  deadlineMs: number;
}

/**
 * The commands of home volumes. Each may come twice, also after a restart: what was sent is asked of the master, and what is
 * gone is gone.
 *
 * What an instance may still use is neither sent nor removed: one that is to run here with it, one that goes to another slave or comes
 * from one, and one that is saved, whose RAM has it open although nobody writes; but for one that the master names as leaving with it: what
 * becomes of that meanwhile it knows, and takes nothing then. That a guest which is to be off still writes, the file's lock says.
 */
export class HomeCommands {
  private readonly sendings = new Map<string, Sending>();
  private readonly uploads = new Slots(uploadsAtOnce);

  constructor(private readonly parts: HomeCommandParts) {}

  /** Resolves when the master has all of it; null where nothing of that epoch is here. Throws with a sentence. */
  send(command: SendHome, withinMs: number): Promise<SentHome> {
    const atMs = this.parts.clock.monotonicMs() + withinMs;
    const underWay = this.sendings.get(command.imageId);
    if (underWay !== undefined) {
      underWay.deadlineMs = Math.max(underWay.deadlineMs, atMs);
      return underWay.done;
    }
    const sending: Sending = { deadlineMs: atMs, done: this.sendOnce(command, () => sending.deadlineMs).finally(() => this.sendings.delete(command.imageId)) };
    this.sendings.set(command.imageId, sending);
    return sending.done;
  }

  async drop({ volumeId, epoch }: DropHome): Promise<void> {
    requireUnused(this.parts.journal.state, volumeId, epoch);
    await this.parts.homes.drop(volumeId, epoch);
  }

  private async sendOnce(command: SendHome, deadlineMs: () => number): Promise<SentHome> {
    const { homes, upload, journal } = this.parts;
    const giveBack = await this.uploads.take();
    try {
      requireUnused(journal.state, command.volumeId, command.epoch, command.savedWith);
      const delta = await homes.delta(command);
      if (delta === null) return null;
      await upload.send(command.imageId, delta, { signal: new AbortController().signal, deadlineMs });
      // The master has it. What leaves with a saved instance may stay after all, and nobody would end this; asked again, it is made again.
      await rm(delta.path, { force: true });
      return { deltaBytes: delta.sizeBytes, dirtiedBytes: delta.dirtiedBytes };
    } finally {
      giveBack();
    }
  }
}

/** One that uses a later attachment of it does not count: what is here of an earlier one is nobody's. */
function requireUnused({ instances }: JournalState, volumeId: string, epoch: number, savedWith?: string): void {
  for (const { desired } of instances.values()) {
    if (desired === null || desired.desired === 'deleted' || desired.desired === 'stopped') continue;
    if (desired.desired === 'suspended' && desired.instanceId === savedWith) continue;
    const { home } = desired.spec;
    if (home?.volumeId === volumeId && home.epoch <= epoch) throw new Error(`${desired.spec.name} is to be ${desired.desired} here with that home volume. Ask again when it is off.`);
  }
}
