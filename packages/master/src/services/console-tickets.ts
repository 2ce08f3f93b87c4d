import type { Clock, EpochMs } from '@paravcl/shared/clock';
import type { ConsoleKind } from '@paravcl/shared/api/connections';
import type { Principal } from '@paravcl/shared/domain/people';
import { newStreamTicket, streamTicketKey } from './stream-ticket';

/** A page asks and connects at once. */
const lifetimeMs = 30_000;
/** The oldest that was not used goes first. */
const mostOfUser = 20;

export interface ConsoleAsked {
  readonly instanceId: string;
  readonly kind: ConsoleKind;
}

interface Issued extends ConsoleAsked {
  readonly userId: string;
  readonly sessionId: string;
  readonly endsAtMs: number;
}

/**
 * What opens a console once within 30 s, for the session that asked for it. A ticket is known to its client alone: here is its hash.
 * Nothing outlives the process; whoever holds a ticket when it ends asks for another one.
 */
export class ConsoleTickets {
  /** By hash, oldest first. */
  private readonly issued = new Map<string, Issued>();

  constructor(private readonly clock: Clock) {}

  issue({ userId, sessionId }: Pick<Principal, 'userId' | 'sessionId'>, { instanceId, kind }: ConsoleAsked): { readonly ticket: string; readonly expiresAt: EpochMs } {
    this.forgetOver();
    const own = [...this.issued].filter(([, each]) => each.userId === userId).map(([key]) => key);
    for (const key of own.slice(0, Math.max(0, own.length - mostOfUser + 1))) this.issued.delete(key);
    const ticket = newStreamTicket();
    this.issued.set(streamTicketKey(ticket), { instanceId, kind, userId, sessionId, endsAtMs: this.clock.monotonicMs() + lifetimeMs });
    return { ticket, expiresAt: this.clock.now() + lifetimeMs };
  }

  /** What it opens; null when it is used, over, or was given to another login. Shown once it is used up, whoever showed it. */
  redeem({ userId, sessionId }: Pick<Principal, 'userId' | 'sessionId'>, ticket: string): ConsoleAsked | null {
    const key = streamTicketKey(ticket);
    const found = this.issued.get(key);
    this.issued.delete(key);
    if (found === undefined || found.endsAtMs <= this.clock.monotonicMs()) return null;
    return found.userId === userId && found.sessionId === sessionId ? { instanceId: found.instanceId, kind: found.kind } : null;
  }

  /** That can be used, or are over and not forgotten yet. */
  get size(): number {
    return this.issued.size;
  }

  private forgetOver(): void {
    const now = this.clock.monotonicMs();
    for (const [key, { endsAtMs }] of this.issued) {
      if (endsAtMs > now) return;
      this.issued.delete(key);
    }
  }
}
