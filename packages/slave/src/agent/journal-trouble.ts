import type { Cancel, Clock } from '@paravcl/shared/clock';
import type { Logger } from 'pino';
import type { Journal } from './journal';
import { JournalFullError } from './journal-room';
import type { Troubles } from './troubles';

export interface JournalTroubleParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly journal: Journal;
  readonly troubles: Troubles;
  /** There is room again: takes up what could not be kept. Orders that were refused come again from the master. */
  onRoom(): void;
}

const lookForRoomMs = 2000;

/**
 * The trouble `state-full`, and the count of starts, which is the one thing the agent itself must keep:
 *
 * | the journal | the trouble | a start that is not counted |
 * |---|---|---|
 * | has room | ends | is counted |
 * | is short: the reserve is gone, orders are kept | goes on; room is looked for | is counted |
 * | is full: everything is refused | goes on; room is looked for | waits |
 */
export class JournalTrouble {
  /** This start is not counted yet: there was no room to keep the count. */
  private startUncounted = false;
  private cancelLook: Cancel = () => undefined;
  private stopped = false;

  constructor(private readonly parts: JournalTroubleParts) {
    parts.journal.watchRoom(() => this.note());
  }

  /** Counts this start and begins to watch. Throws when the journal cannot be written for another cause than want of room. */
  async start(): Promise<void> {
    await this.countStart();
    this.note();
  }

  stop(): void {
    this.stopped = true;
    this.cancelLook();
  }

  /** The start is counted before it is told; with no room the last count is told again, which the master takes. */
  private async countStart(): Promise<void> {
    const { journal, log } = this.parts;
    try {
      await journal.append({ kind: 'epoch', epoch: journal.state.epoch + 1 });
      this.startUncounted = false;
    } catch (error) {
      if (!(error instanceof JournalFullError)) throw error;
      this.startUncounted = true;
      log.warn({ epoch: journal.state.epoch }, 'this start cannot be counted for want of room; it is once there is some');
    }
  }

  private note(): void {
    const { clock, log, journal, troubles } = this.parts;
    if (!journal.isShort) {
      if (troubles.end('state-full')) this.hasRoom();
      return;
    }
    troubles.begin('state-full', `There is no room left in the agent’s own directory ${journal.directory}: no new order can be kept, guests go on. Free some space on its file system; the rest heals by itself.`);
    if (!journal.isFull && this.startUncounted) this.hasRoom();
    this.cancelLook();
    if (this.stopped) return;
    this.cancelLook = clock.after(lookForRoomMs, () => {
      void journal.lookForRoom().catch((error: unknown) => log.error({ err: error }, 'looking for room failed')).then(() => this.note());
    });
  }

  private hasRoom(): void {
    if (this.startUncounted) void this.countStart().catch((error: unknown) => this.parts.log.error({ err: error }, 'this start could not be counted'));
    this.parts.onRoom();
  }
}
