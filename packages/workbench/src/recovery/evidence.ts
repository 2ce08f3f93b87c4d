import type { GuestTrace } from './guest-trace';
import type { Ask, HistoryLine } from './history';
import type { Books, HostPicture, Untouched } from './pictures';

/** Everything a run leaves behind to be judged by. Nothing here comes from the code under test but the books. */
export interface Evidence {
  readonly history: readonly HistoryLine[];
  readonly books: Books;
  readonly hosts: readonly HostPicture[];
  /** Domains that are not ours, one on each host. */
  readonly foreign: ReadonlyMap<string, Untouched>;
  /** By instance: what its serial console told during the whole run, also of those that are gone. */
  readonly guests: ReadonlyMap<string, GuestTrace>;
  /** Instances that nobody asked to stop: launched at the start and never touched. */
  readonly untouched: ReadonlyMap<string, Untouched>;
  /** Moments in which two processes ran one instance, as seen in the process table: a sentence each. */
  readonly twins: readonly string[];
  /** Every domain whose process was seen there, in whatever moment. */
  readonly seenAtWork: ReadonlySet<string>;
  /** Clients who ask while faults are injected, and what at least one of them must have had acknowledged and done. */
  readonly workers: ReadonlySet<string>;
  readonly requiredAsks: readonly Ask[];
  readonly faults: number;
  /** How often each rare path of recovery was taken, and which had to be. */
  readonly paths: Readonly<Record<string, number>>;
  readonly requiredPaths: readonly string[];
  /** Kinds of faults in stages that had to be met and were not. */
  readonly uncovered: readonly string[];
  /** Seconds to each convergence; null for one that never came. */
  readonly convergences: readonly (number | null)[];
  readonly convergeWithinS: number;
  /** When the evidence was taken, on the clock of history and traces. */
  readonly atMs: number;
}
