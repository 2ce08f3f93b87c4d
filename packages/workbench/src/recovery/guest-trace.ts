/** One life of a guest, from a boot to the next, as its serial console tells it. */
export interface Boot {
  /** The kernel's boot id; null while the guest has not come to its ready line. */
  readonly bootId: string | null;
  /** First and newest value of its counter, which counts in RAM only; null before the first. */
  readonly first: number | null;
  readonly last: number | null;
  /** Where a value did not follow the one before: [before, after]. */
  readonly jumps: readonly (readonly [number, number])[];
  /** When the newest value was seen, in milliseconds of a clock that never jumps. */
  readonly lastMs: number;
  /** Longest time between two looks that saw new values, in milliseconds: so long it may have stood still. */
  readonly silentMs: number;
}

/** What was printed so far: all lives, and the unfinished line at its end. */
export interface GuestTrace {
  readonly boots: readonly Boot[];
  readonly rest: string;
}

export const emptyTrace: GuestTrace = { boots: [], rest: '' };

const ready = /^paravcl-guest ready .*\bboot=(\S+)/;
const count = /^count (\d+)$/;

/**
 * Takes what a serial log grew by. A counter that goes on is the same life, also after its RAM was saved and
 * read back; the ready line begins a new one. A guest whose counter began again without that line had its
 * beginning swallowed, and is a new life too.
 */
export function follow(trace: GuestTrace, grown: string, nowMs: number): GuestTrace {
  const lines = `${trace.rest}${grown}`.replaceAll('\r', '').split('\n');
  const rest = lines.pop() ?? '';
  const boots = [...trace.boots];
  for (const line of lines) {
    const bootId = ready.exec(line)?.[1];
    if (bootId !== undefined) {
      boots.push({ bootId, first: null, last: null, jumps: [], lastMs: nowMs, silentMs: 0 });
      continue;
    }
    const said = count.exec(line)?.[1];
    if (said === undefined) continue;
    const value = Number(said);
    const boot = boots.at(-1);
    if (boot === undefined || (boot.last !== null && value === 1)) {
      boots.push({ bootId: null, first: value, last: value, jumps: [], lastMs: nowMs, silentMs: 0 });
      continue;
    }
    const follows = boot.last === null || value === boot.last + 1;
    boots[boots.length - 1] = {
      ...boot,
      first: boot.first ?? value,
      last: value,
      jumps: follows ? boot.jumps : [...boot.jumps, [boot.last ?? 0, value]],
      lastMs: nowMs,
      silentMs: Math.max(boot.silentMs, nowMs - boot.lastMs),
    };
  }
  return { boots, rest };
}
