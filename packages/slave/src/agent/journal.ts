import { open, mkdir, readFile, rename, rm, truncate, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Logger } from 'pino';
import { isNoRoom, JournalFullError, JournalReserve } from './journal-room';
import { encodeRecord, scanJournal, type JournalRecord } from './journal-record';
import { syncDirectory } from '../disks/sync-directory';
import { applyRecord, emptyJournal, recordsOf, type JournalState } from './journal-state';

interface Waiting {
  readonly records: readonly JournalRecord[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export interface JournalOptions {
  /** Compacted when it has grown beyond this and to four times what it needs. */
  readonly compactAboveBytes?: number;
  /** Put aside for when the disk is full; see JournalReserve. */
  readonly reserveBytes?: number;
  /** Called once, before anybody else hears of it, when the journal can no longer be written for another cause than want of room. */
  readonly onBroken?: (error: Error) => void;
}

const fileName = 'journal';
const reserveName = 'journal.reserve';

/**
 * The agent's memory that survives it: an append-only file of checked records.
 *
 * `state` holds what is durable and nothing else: a record is in force when its sync has returned, which is
 * when `append`'s promise resolves, so nobody can act on an order that a crash would take back. Records
 * appended while the disk is busy share its next sync.
 *
 * After a write or a sync has failed nothing more is written to that file or taken into force: what was being
 * written is cut from it if the disk lets us. When the cause is a full disk, the whole state is written to a new
 * file, in the room of the reserve; where that does not fit either, the journal refuses everything with
 * JournalFullError until `lookForRoom` could write such a new file. For any other cause `onBroken` ends the
 * agent, whose next start reads what is there.
 */
export class Journal {
  private current: JournalState = emptyJournal;
  private sequence = 0;
  private queue: Waiting[] = [];
  private flushing: Promise<void> | null = null;
  private broken: Error | null = null;
  private full: JournalFullError | null = null;
  private short = false;
  private looking: Promise<void> | null = null;
  private roomChanged: () => void = () => undefined;
  /** A damaged file that could not be put aside yet. */
  private damaged: Buffer | null = null;
  private bytes = 0;
  private bytesNeeded = 0;

  private constructor(
    private readonly path: string,
    private file: FileHandle,
    private readonly compactAboveBytes: number,
    private readonly onBroken: (error: Error) => void,
    private readonly reserve: JournalReserve,
  ) {}

  /**
   * Opens the journal in `directory`, makes it when there is none, cuts what a crash left half written.
   * Damage in the middle is skipped, said loudly, and the damaged file is kept beside the mended one.
   */
  static async open(directory: string, log: Logger, options: JournalOptions = {}): Promise<Journal> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const path = join(directory, fileName);
    const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return Buffer.alloc(0);
      throw error;
    });
    const scan = scanJournal(bytes);
    if (scan.tornBytes > 0) {
      log.info({ path, tornBytes: scan.tornBytes, records: scan.records.length, recovery: 'torn-tail-cut' }, 'cut the journal’s half-written end, as after a crash');
      await truncate(path, bytes.length - scan.tornBytes);
    }
    const file = await open(path, 'a', 0o600);
    await file.sync();
    await syncDirectory(directory);
    const journal = new Journal(path, file, options.compactAboveBytes ?? 1024 * 1024, options.onBroken ?? (() => undefined), new JournalReserve(join(directory, reserveName), options.reserveBytes ?? 1024 * 1024));
    journal.current = scan.records.reduce((state, { record }) => applyRecord(state, record), emptyJournal);
    journal.sequence = scan.records.at(-1)?.sequence ?? 0;
    journal.bytes = bytes.length - scan.tornBytes;
    if (scan.damagedLines > 0) {
      log.error({ path, kept: journal.keptName, damagedLines: scan.damagedLines }, 'the journal is damaged in the middle: check this disk; the damaged lines are left out and the master’s next hello fills them in');
      journal.damaged = bytes;
      await journal.writeAnew(journal.current).catch((error: unknown) => journal.refuseIfFull(error));
    }
    journal.short ||= !(await journal.reserve.make());
    return journal;
  }

  get state(): JournalState {
    return this.current;
  }

  get directory(): string {
    return dirname(this.path);
  }

  /** The disk is full: the reserve is gone, and orders are kept as long as what it left lasts. */
  get isShort(): boolean {
    return this.short;
  }

  /** Everything is refused until there is room. */
  get isFull(): boolean {
    return this.full !== null;
  }

  /** Calls back when `isShort` or `isFull` changed; one listener. */
  watchRoom(changed: () => void): void {
    this.roomChanged = changed;
  }

  /** While the disk is full: tries whether it still is, and goes on when not. To be called every few seconds. */
  lookForRoom(): Promise<void> {
    if (!this.short || this.broken !== null) return Promise.resolve();
    this.looking ??= this.goOnIfRoom().finally(() => (this.looking = null));
    return this.looking;
  }

  /** Sequence number of the last durable record. */
  get highWater(): number {
    return this.sequence;
  }

  /** Takes records into force together, in order; resolves when all are on the disk and in `state`. */
  append(...records: readonly JournalRecord[]): Promise<void> {
    if (this.broken !== null) return Promise.reject(this.broken);
    if (this.full !== null) return Promise.reject(this.full);
    if (records.length === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.queue.push({ records, resolve, reject });
      this.flushing ??= this.flush();
    });
  }

  /** Waits for everything appended so far and closes the file. */
  async close(): Promise<void> {
    this.broken ??= new Error('The journal is closed.');
    while (this.flushing !== null) await this.flushing;
    await this.looking;
    await this.file.close();
  }

  private async flush(): Promise<void> {
    // One turn of the event loop: what is appended in this one shares the sync.
    await Promise.resolve();
    while (this.queue.length > 0) {
      const batch = this.queue;
      this.queue = [];
      try {
        await this.write(batch.flatMap(({ records }) => records));
        for (const waiting of batch) waiting.resolve();
      } catch (error) {
        const refusal = this.refusalOf(error);
        for (const waiting of [...batch, ...this.queue]) waiting.reject(refusal);
        this.queue = [];
      }
    }
    this.flushing = null;
  }

  private async write(records: readonly JournalRecord[]): Promise<void> {
    const next = records.reduce(applyRecord, this.current);
    const bytes = this.numbered(records);
    try {
      if (this.bytes + bytes.length > Math.max(this.compactAboveBytes, 4 * this.bytesNeeded)) return await this.compact(next);
      await this.add(bytes);
    } catch (error) {
      if (!isNoRoom(error)) throw error;
      // Once more in either case: where there was no reserve to give up, one that was just being made may have held the room.
      if (await this.reserve.giveUp()) this.noteRoom(true);
      return this.compact(next);
    }
    this.bytes += bytes.length;
    this.sequence += records.length;
    this.current = next;
  }

  private async add(bytes: Buffer): Promise<void> {
    try {
      await this.file.appendFile(bytes);
      await this.file.datasync();
    } catch (error) {
      // After a failed sync the pages count as clean: the next start would believe what never reached the disk.
      await this.file.truncate(this.bytes).catch(() => undefined);
      throw error;
    }
  }

  /** Answers what to refuse with after a write failed: for now, or for good. */
  private refusalOf(error: unknown): Error {
    if (isNoRoom(error)) {
      this.full ??= new JournalFullError(`There is no room in ${this.directory} to keep anything.`, { cause: error });
      this.noteRoom(true);
      return this.full;
    }
    this.broken = new Error('The journal could not be written.', { cause: error });
    this.onBroken(this.broken);
    return this.broken;
  }

  private refuseIfFull(error: unknown): void {
    if (!isNoRoom(error)) throw error;
    this.refusalOf(error);
  }

  private noteRoom(short: boolean): void {
    this.short = short;
    this.roomChanged();
  }

  private async goOnIfRoom(): Promise<void> {
    try {
      if (this.full !== null) {
        // Never back into the old file: after a failed sync nobody knows what of it is on the disk.
        await this.writeAnew(this.current);
        this.full = null;
        this.roomChanged();
      }
      if (await this.reserve.make()) this.noteRoom(false);
    } catch (error) {
      this.refusalOf(error);
    }
  }

  /** As `compact`; a damaged file that is still in the way is put aside first. */
  private async writeAnew(state: JournalState): Promise<void> {
    if (this.damaged !== null) {
      const copy = await open(this.keptName, 'w', 0o600);
      await copy.writeFile(this.damaged).finally(() => copy.close());
      this.damaged = null;
    }
    await this.compact(state);
  }

  private get keptName(): string {
    return `${this.path}.damaged-${this.sequence}`;
  }

  /** Writes a state as a new file, puts it in the old one's place by one rename and takes it into force. */
  private async compact(state: JournalState): Promise<void> {
    const records = recordsOf(state);
    const bytes = this.numbered(records);
    const next = `${this.path}.next`;
    try {
      const file = await open(next, 'w', 0o600);
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
    } catch (error) {
      // Half a file would hold the very room that is missing.
      await rm(next, { force: true }).catch(() => undefined);
      throw error;
    }
    await rename(next, this.path);
    await syncDirectory(dirname(this.path));
    await this.file.close();
    this.file = await open(this.path, 'a', 0o600);
    this.bytes = bytes.length;
    this.bytesNeeded = bytes.length;
    this.sequence += records.length;
    this.current = state;
  }

  private numbered(records: readonly JournalRecord[]): Buffer {
    return Buffer.concat(records.map((record, index) => encodeRecord(this.sequence + 1 + index, record)));
  }
}

/** What a journal says, without opening it for writing: for those who look at a host whose agent may run. */
export async function readJournalState(directory: string): Promise<JournalState> {
  const bytes = await readFile(join(directory, fileName)).catch(() => Buffer.alloc(0));
  return scanJournal(bytes).records.reduce((state, { record }) => applyRecord(state, record), emptyJournal);
}
