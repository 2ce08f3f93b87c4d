import type { Clock } from '@paravcl/shared/clock';
import type { UnitOfWork } from '../db/unit-of-work';
import type { UnmailedNotice } from '../repositories/notice-repository';
import { noticeMail, type Mailer, type MailStyle } from '../services/notice-mail';

export const mailEveryMs = 30_000;

/** What could not be mailed within a day is old news; it still stands among the notices. */
const oldestMs = 24 * 3_600_000;
/** At most so many are read at a time, so that a long outage's backlog does not fill the memory. */
const batchNotices = 500;
const shortestWaitMs = 30_000;
const longestWaitMs = 15 * 60_000;

/** What waits when the server is away; no address is empty. */
const theServer = '';

/** What one person is told at once. */
type Told = readonly [UnmailedNotice, ...UnmailedNotice[]];

interface Wait {
  readonly failures: number;
  readonly untilMs: number;
}

/**
 * Mails notices, what one person is told in one round in one mail; beyond a batch in another. A notice is marked only
 * when the server has taken it: one that dies in between sends it twice rather than never. A server that does not answer
 * is left alone for a while that doubles; so is a single address that is refused for now, while the others go on.
 */
export class MailJob {
  /** Sent, and not yet known to be marked: never sent again by this master. */
  private readonly unmarked = new Set<string>();
  private readonly waits = new Map<string, Wait>();

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly clock: Clock,
    private readonly mailer: Mailer,
    private readonly style: MailStyle,
    private readonly batch = batchNotices,
  ) {}

  /** One round. `onFault` is told of a server that is away and of addresses that take nothing. */
  async run(onFault: (error: unknown) => void): Promise<void> {
    await this.mark([]);
    if (this.waiting(theServer)) return;
    while (await this.runBatch(onFault));
  }

  /** The oldest that wait for nothing. Whether there may be more: each of these is marked now, or its address waits. */
  private async runBatch(onFault: (error: unknown) => void): Promise<boolean> {
    const { notices } = this.unitOfWork.read;
    const due = await notices.unmailed(this.clock.now() - oldestMs, this.batch, this.waitingAddresses());
    for (const told of byPerson(due)) {
      // Refused within this batch, for somebody else who has it too.
      if (this.waiting(told[0].mail)) continue;
      try {
        await this.mail(told, onFault);
      } catch (error) {
        // The others would fare no better: nothing more is tried in this round.
        this.wait(theServer);
        onFault(error);
        return false;
      }
      this.waits.delete(theServer);
    }
    return due.length === this.batch;
  }

  private async mail(told: Told, onFault: (error: unknown) => void): Promise<void> {
    const { mail: address, userName } = told[0];
    const delivery = await this.mailer.send(noticeMail(address, userName, told.map(({ notice }) => notice), this.style));
    if (delivery.kind === 'refused') {
      onFault(new Error(`The mail server does not take notices for ${userName} ${delivery.forGood ? 'at all' : 'for now'}: ${delivery.sentence}`));
      if (!delivery.forGood) {
        this.wait(address);
        return;
      }
    }
    this.waits.delete(address);
    await this.mark(told.map(({ notice }) => notice.id));
  }

  private async mark(ids: readonly string[]): Promise<void> {
    for (const id of ids) this.unmarked.add(id);
    if (this.unmarked.size === 0) return;
    await this.unitOfWork.read.notices.markMailed([...this.unmarked], this.clock.now());
    this.unmarked.clear();
  }

  private waitingAddresses(): readonly string[] {
    return [...this.waits.keys()].filter((whom) => whom !== theServer && this.waiting(whom));
  }

  private waiting(whom: string): boolean {
    return this.clock.monotonicMs() < (this.waits.get(whom)?.untilMs ?? 0);
  }

  private wait(whom: string): void {
    const failures = (this.waits.get(whom)?.failures ?? 0) + 1;
    const ms = Math.min(longestWaitMs, shortestWaitMs * 2 ** (failures - 1));
    this.waits.set(whom, { failures, untilMs: this.clock.monotonicMs() + ms });
  }
}

/** In the order of each one's oldest; two people may have one address. */
function byPerson(due: readonly UnmailedNotice[]): readonly Told[] {
  const grouped = new Map<string, Told>();
  for (const one of due) {
    const earlier = grouped.get(one.userId);
    grouped.set(one.userId, earlier === undefined ? [one] : [...earlier, one]);
  }
  return [...grouped.values()];
}
