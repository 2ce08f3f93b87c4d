import type { Clock } from '@paravcl/shared/clock';
import { ParavclError } from '@paravcl/shared/errors';
import { WindowCount } from './window-count';

/**
 * Slows down an address that is refused again and again. Successes are not counted: a whole lab enrols
 * from one address behind NAT on its first morning.
 */
export class RefusalLimiter {
  private readonly refusals: WindowCount;

  constructor(
    clock: Clock,
    private readonly limit: { readonly refusals: number; readonly windowMs: number },
  ) {
    this.refusals = new WindowCount(clock, { most: limit.refusals, windowMs: limit.windowMs });
  }

  /** How long an address that was refused too often has to wait, milliseconds; 0 for everybody else. */
  waitMs(address: string): number {
    return this.refusals.waitMs(address);
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
    this.refusals.count(address);
  }
}
