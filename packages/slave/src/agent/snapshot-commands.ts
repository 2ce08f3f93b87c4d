import type { Clock } from '@paravcl/shared/clock';
import type { Command, FreezeWish, FrozenDisk, SentDisk } from '@paravcl/shared/protocol/commands';
import type { DiskSnapshots, DiskToFreeze } from '../disks/disk-snapshots';
import type { DeltaUpload } from '../link/delta-upload';
import { commandRefusal } from './command-refusal';
import type { Journal } from './journal';
import type { Runner } from './runner';
import { Slots } from './slots';

type FreezeDisks = Extract<Command, { readonly kind: 'freeze-disks' }>;
type SendDisk = Extract<Command, { readonly kind: 'send-disk' }>;
type EndSnapshot = Extract<Command, { readonly kind: 'end-snapshot' }>;

export interface SnapshotCommandParts {
  readonly clock: Clock;
  readonly journal: Journal;
  readonly snapshots: DiskSnapshots;
  readonly upload: Pick<DeltaUpload, 'send'>;
  readonly hold: Runner['hold'];
}

/**
 * What an instance that is busy may keep the others of its snapshot waiting: the guests go on, but nothing else is done for
 * them, and the disks are to lie near to one moment.
 */
const holdWithinMs = 20_000;
/** Each reads a disk, and all share the host's link. */
const uploadsAtOnce = 2;
/** More than are frozen in the time a command may wait. */
const endedKept = 2000;
/** Of a frozen disk's sentence, as the protocol has it. */
const longestMessage = 1000;

/** One disk on its way to the master, for all who ask for it. */
interface Sending {
  readonly done: Promise<SentDisk>;
  /** When the last of them has waited long enough, monotonic: from then on nothing is begun or tried again. */
  deadlineMs: number;
  readonly stop: AbortController;
}

/**
 * The commands of snapshots. Each is done beside the rounds of its instances and may come twice, also after a restart:
 * disks answer by the snapshot they are frozen for, and what was sent of one is asked of the master.
 *
 * Invariants:
 *  1. Of one disk of a snapshot, and of the RAM kept with it, one upload is under way. Who asks again waits for the same one, with his own deadline.
 *  2. Freezings for one snapshot follow one another, so none finds its own disks busy with the one before.
 *  3. Nothing is frozen for a snapshot that has ended, however late the command is carried out.
 */
export class SnapshotCommands {
  private readonly sendings = new Map<string, Sending>();
  private readonly freezings = new Map<string, Promise<readonly FrozenDisk[]>>();
  /** As `sendings`, oldest first. */
  private readonly ended = new Set<string>();
  private readonly uploads = new Slots(uploadsAtOnce);

  constructor(private readonly parts: SnapshotCommandParts) {}

  /** Answers for each disk, in the order asked; one that is refused or busy keeps none of the others. */
  freeze(command: FreezeDisks, deadlineMs: number): Promise<readonly FrozenDisk[]> {
    const { snapshotId } = command;
    const before = this.freezings.get(snapshotId)?.catch(() => undefined) ?? Promise.resolve();
    const own = before
      .then(() => this.freezeOnce(command, deadlineMs))
      .finally(() => {
        if (this.freezings.get(snapshotId) === own) this.freezings.delete(snapshotId);
      });
    this.freezings.set(snapshotId, own);
    return own;
  }

  /** Resolves when the master has all of it. Throws with a sentence; past the deadline of all who asked it is tried no more. */
  send(command: SendDisk, deadlineMs: number): Promise<SentDisk> {
    const { clock } = this.parts;
    const key = sendingOf(command);
    const atMs = clock.monotonicMs() + deadlineMs;
    const underWay = this.sendings.get(key);
    if (underWay !== undefined) {
      underWay.deadlineMs = Math.max(underWay.deadlineMs, atMs);
      return underWay.done;
    }
    const stop = new AbortController();
    const sending: Sending = { stop, deadlineMs: atMs, done: this.sendOnce(command, stop.signal, () => sending.deadlineMs).finally(() => this.sendings.delete(key)) };
    this.sendings.set(key, sending);
    return sending.done;
  }

  /** Ends an upload that is under way first: whoever says the end needs it no more. */
  async end(command: EndSnapshot, deadlineMs: number): Promise<void> {
    const { hold, snapshots } = this.parts;
    const { snapshotId, instanceId, manifest } = command;
    const sendings = (['disk', 'ram'] as const).map((what) => this.sendings.get(sendingOf({ ...command, what })));
    for (const sending of sendings) sending?.stop.abort(new Error('The snapshot has ended, so its disk is not sent any more.'));
    for (const sending of sendings) await sending?.done.catch(() => undefined);
    await hold([instanceId], deadlineMs, async (busy) => {
      const doing = busy.get(instanceId);
      if (doing !== undefined) throw new Error(`The snapshot of instance ${instanceId} could not be ended within ${say(deadlineMs)}: ${doing}. Ask again when that is over.`);
      this.hasEnded(keyOf(command));
      await snapshots.end(snapshotId, instanceId, manifest);
    });
  }

  private async freezeOnce({ snapshotId, disks }: FreezeDisks, deadlineMs: number): Promise<readonly FrozenDisk[]> {
    // Who is not known here has nothing to wait for.
    const known = disks.filter((disk) => 'spec' in this.toFreeze(disk)).map(({ instanceId }) => instanceId);
    return this.parts.hold(known, Math.min(holdWithinMs, deadlineMs / 2), async (busy) => {
      const answers = new Map<string, FrozenDisk>();
      const wanted: DiskToFreeze[] = [];
      for (const disk of disks) {
        const { instanceId } = disk;
        // Judged again: an order may have come while it was waited for.
        const judged = this.toFreeze(disk);
        const doing = busy.get(instanceId);
        if (this.ended.has(keyOf({ snapshotId, instanceId }))) answers.set(instanceId, { instanceId, ok: false, message: 'The snapshot has ended meanwhile.' });
        else if ('message' in judged) answers.set(instanceId, { instanceId, ok: false, message: judged.message });
        else if (doing !== undefined) answers.set(instanceId, notNow(judged, doing));
        else if (known.includes(instanceId)) wanted.push(judged);
        else answers.set(instanceId, notNow(judged, 'its order has only just come'));
      }
      for (const answer of wanted.length === 0 ? [] : await this.parts.snapshots.freeze(snapshotId, wanted)) answers.set(answer.instanceId, answer);
      return disks.map(({ instanceId }) => answers.get(instanceId) ?? { instanceId, ok: false, message: 'This host said nothing of its disk.' });
    });
  }

  private async sendOnce({ snapshotId, instanceId, imageId, what }: SendDisk, signal: AbortSignal, deadlineMs: () => number): Promise<SentDisk> {
    const { clock, snapshots, upload, hold } = this.parts;
    const turn = this.uploads.take();
    try {
      await Promise.race([turn, aborted(signal)]);
      signal.throwIfAborted();
      if (clock.monotonicMs() >= deadlineMs()) throw new Error(`Its turn did not come in time: ${uploadsAtOnce} disks are sent from this host at once. Ask again.`);
      const delta = await hold([instanceId], Math.max(0, deadlineMs() - clock.monotonicMs()), (busy) => {
        signal.throwIfAborted();
        const doing = busy.get(instanceId);
        if (doing !== undefined) throw new Error(`What differs in the disk of instance ${instanceId} could not be told in time: ${doing}. Ask again when that is over.`);
        return snapshots.delta(snapshotId, instanceId, what ?? 'disk');
      });
      signal.throwIfAborted();
      await upload.send(imageId, delta, { signal, deadlineMs });
      return { deltaBytes: delta.sizeBytes, dirtiedBytes: delta.dirtiedBytes };
    } finally {
      void turn.then((giveBack) => giveBack());
    }
  }

  private hasEnded(key: string): void {
    this.ended.add(key);
    for (const oldest of this.ended) {
      if (this.ended.size <= endedKept) break;
      this.ended.delete(oldest);
    }
  }

  private toFreeze(wish: FreezeWish): DiskToFreeze | { readonly message: string } {
    const { state } = this.parts.journal;
    const refusal = commandRefusal(state, wish.instanceId, wish.generation);
    if (refusal !== null) return refusal;
    const spec = state.instances.get(wish.instanceId)?.desired?.spec ?? null;
    return spec === null ? { message: `Instance ${wish.instanceId} is being deleted: nothing of its disk is kept.` } : { ...wish, spec };
  }
}

function keyOf({ snapshotId, instanceId }: { readonly snapshotId: string; readonly instanceId: string }): string {
  return `${snapshotId} ${instanceId}`;
}

/** Disk and RAM of one snapshot are sent each for itself. */
function sendingOf(command: { readonly snapshotId: string; readonly instanceId: string; readonly what?: SendDisk['what'] }): string {
  return `${keyOf(command)} ${command.what ?? 'disk'}`;
}

function notNow({ instanceId, spec }: DiskToFreeze, doing: string): FrozenDisk {
  return { instanceId, ok: false, message: `${spec.name} could not be frozen now: ${doing}. Ask again when that is over.`.slice(0, longestMessage) };
}

function say(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
