import { emptyPattern, mostPatternChunks, readPhaseSchema, type AccessPattern, type ReadPhase, type Recording } from '@paravcl/shared/chunks/access-pattern';

/** Later boots teach little that the first ones did not. */
export const mostRecordings = 5;

const phases = readPhaseSchema.options;

/** Where one recording read a chunk first: the phase (0 is boot) and its rank in all that was read. */
interface FirstRead {
  readonly phase: number;
  readonly rank: number;
}

/**
 * What guests of a version usually read (after S4): a chunk is in the earliest phase by whose end at least half of
 * the recordings had read it, in the order of the median rank at which they did; equal ranks go by the chunk's number.
 * So one odd boot adds nothing once there are three, and what some read as they booted and others a little later is
 * not lost between two phases. In whatever order the recordings come, the pattern is the same.
 */
export function mergeRecordings(recordings: readonly Recording[]): AccessPattern {
  const readsOf = new Map<number, FirstRead[]>();
  for (const recording of recordings) {
    for (const [chunk, read] of firstReads(recording)) {
      const reads = readsOf.get(chunk);
      if (reads === undefined) readsOf.set(chunk, [read]);
      else reads.push(read);
    }
  }
  const usual = [...readsOf]
    .map(([chunk, reads]) => ({ chunk, phase: usualPhase(reads, recordings.length), rank: median(reads.map(({ rank }) => rank)) }))
    .sort((a, b) => a.rank - b.rank || a.chunk - b.chunk);
  const inPhase = (name: ReadPhase): number[] => usual.filter(({ phase }) => phase !== null && phases[phase] === name).map(({ chunk }) => chunk).slice(0, mostPatternChunks);
  return { ...emptyPattern, revision: recordings.length, boot: inPhase('boot'), application: inPhase('application'), shutdown: inPhase('shutdown') };
}

function firstReads(recording: Recording): ReadonlyMap<number, FirstRead> {
  const reads = new Map<number, FirstRead>();
  phases.forEach((name, phase) => {
    for (const chunk of recording[name]) if (!reads.has(chunk)) reads.set(chunk, { phase, rank: reads.size });
  });
  return reads;
}

/** Null when less than half of the recordings read it at all. */
function usualPhase(reads: readonly FirstRead[], recordings: number): number | null {
  const half = Math.ceil(recordings / 2);
  // The phases in which it was first read, earliest first: by the end of the one at `half` so many had read it.
  return reads.map(({ phase }) => phase).sort((a, b) => a - b)[half - 1] ?? null;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle)] ?? 0)) / 2;
}
