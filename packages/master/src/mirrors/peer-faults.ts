import type { PeerFault } from '@paravcl/shared/chunks/mirror-messages';
import type { Cancel, Clock } from '@paravcl/shared/clock';

/** How long nobody is sent to a mirror that others could not reach. */
export const avoidedMs = 60_000;
/** Mirrors that one alone may accuse of wrong bytes: one that accuses more has a fault of its own, of its memory maybe. */
export const mostAccused = 3;
const reportersNeeded = 2;

export interface Report {
  readonly reporterId: string;
  readonly accusedId: string;
  readonly fault: PeerFault;
  /** A volunteer's machine may be anybody's: its word alone brands nobody. */
  readonly reporterVolunteers: boolean;
  /** Mirrors besides the accused that could tell. */
  readonly witnesses: number;
}

/**
 * Which mirrors nobody is sent to: those that gave wrong bytes, for the rest of this process' life; those that two others could
 * not reach, or the only other one there is, for a minute; and for a minute those whom one volunteer alone accuses of wrong bytes. One
 * reporter alone may have a fault of its own way.
 */
export class PeerFaults {
  private readonly liars = new Set<string>();
  private readonly suspects = new Map<string, Cancel>();
  private readonly accusers = new Map<string, Set<string>>();
  private readonly accusedBy = new Map<string, Set<string>>();
  /** When each reporter could not reach it last: monotonic ms. */
  private readonly unreached = new Map<string, Map<string, number>>();
  private readonly resting = new Map<string, Cancel>();

  constructor(
    private readonly clock: Clock,
    /** Called when a mirror is avoided from now on, or no more. */
    private readonly onChange: (slaveId: string) => void,
  ) {}

  isAvoided(slaveId: string): boolean {
    return this.liars.has(slaveId) || this.suspects.has(slaveId) || this.resting.has(slaveId);
  }

  /** True when this was news: wrong bytes of one that was not known for it, and that is believed. */
  report({ reporterId, accusedId, fault, reporterVolunteers, witnesses }: Report): boolean {
    if (reporterId === accusedId) return false;
    if (fault === 'wrong-bytes') return this.accuse(reporterId, accusedId, reporterVolunteers);
    const now = this.clock.monotonicMs();
    const reports = this.unreached.get(accusedId) ?? new Map<string, number>();
    for (const [id, atMs] of reports) if (now - atMs >= avoidedMs) reports.delete(id);
    this.unreached.set(accusedId, reports.set(reporterId, now));
    if (reports.size >= Math.min(reportersNeeded, witnesses)) this.rest(accusedId, this.resting, () => this.unreached.delete(accusedId));
    return false;
  }

  /** The mirror is connected anew: what could not be reached before may be reached now. */
  cameAnew(slaveId: string): void {
    this.unreached.delete(slaveId);
    this.resting.get(slaveId)?.();
    if (this.resting.delete(slaveId)) this.onChange(slaveId);
  }

  /** The master itself saw wrong bytes. True when that was news. */
  caught(slaveId: string): boolean {
    if (this.liars.has(slaveId)) return false;
    this.liars.add(slaveId);
    this.onChange(slaveId);
    return true;
  }

  private accuse(reporterId: string, accusedId: string, reporterVolunteers: boolean): boolean {
    const accused = this.accusedBy.get(reporterId) ?? new Set();
    const accusers = this.accusers.get(accusedId) ?? new Set();
    this.accusedBy.set(reporterId, accused.add(accusedId));
    this.accusers.set(accusedId, accusers.add(reporterId));
    if (accusers.size < reportersNeeded) {
      if (accused.size > mostAccused) return false;
      if (reporterVolunteers) {
        this.rest(accusedId, this.suspects);
        return false;
      }
    }
    return this.caught(accusedId);
  }

  private rest(slaveId: string, among: Map<string, Cancel>, onOver: () => void = () => undefined): void {
    const before = among.get(slaveId);
    before?.();
    const cancel = this.clock.after(avoidedMs, () => {
      among.delete(slaveId);
      onOver();
      this.onChange(slaveId);
    });
    among.set(slaveId, cancel);
    if (before === undefined) this.onChange(slaveId);
  }
}
