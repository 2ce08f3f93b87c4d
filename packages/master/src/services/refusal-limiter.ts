import type { Clock } from '@paravcl/shared/clock';
import { ParavclError } from '@paravcl/shared/errors';

/** Addresses remembered at once; the oldest are forgotten, so that a flood of addresses costs no memory. */
const rememberedAddresses = 10_000;

/**
 * Slows down an address that is refused again and again. Successes are not counted: a whole lab enrols
 * from one address behind NAT on its first morning.
 */
export class RefusalLimiter {
  private readonly refusals = new Map<string, { count: number; readonly sinceMs: number }>();

  constructor(
    private readonly clock: Clock,
    private readonly limit: { readonly refusals: number; readonly windowMs: number },
  ) {}

  /** How long an address that was refused too often has to wait, milliseconds; 0 for everybody else. */
  waitMs(address: string): number {
    const known = this.refusals.get(address);
    if (known === undefined) return 0;
    const leftMs = known.sinceMs + this.limit.windowMs - this.clock.monotonicMs();
    if (leftMs <= 0) this.refusals.delete(address);
    return leftMs > 0 && known.count >= this.limit.refusals ? leftMs : 0;
  }

  /** Throws `rate-limited` when this address was refused too often within the window. */
  check(address: string): void {
    const leftMs = this.waitMs(address);
    if (leftMs === 0) return;
    const retryAfterSeconds = Math.ceil(leftMs / 1000);
    throw new ParavclError('rate-limited', `${this.limit.refusals} enrolments from ${address} were refused within ${this.limit.windowMs / 1000} s. Try again in ${retryAfterSeconds} s with a fresh join token.`, {
      retryAfterSeconds,
      limit: `${this.limit.refusals} refusals in ${this.limit.windowMs / 1000} s`,
    });
  }

  refused(address: string): void {
    const known = this.refusals.get(address);
    if (known !== undefined && this.clock.monotonicMs() - known.sinceMs < this.limit.windowMs) {
      known.count++;
      return;
    }
    this.refusals.delete(address);
    this.refusals.set(address, { count: 1, sinceMs: this.clock.monotonicMs() });
    if (this.refusals.size > rememberedAddresses) {
      const oldest = this.refusals.keys().next().value;
      if (oldest !== undefined) this.refusals.delete(oldest);
    }
  }
}
