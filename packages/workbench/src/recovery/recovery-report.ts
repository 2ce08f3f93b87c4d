import { failedAtMost, type Ends } from './checker';
import { stages } from './stages';
import { faultKinds } from './fault-plan';
import type { Fault } from './nemesis';
import { convergeWithinS, type RecoveryOutcome } from './recovery-run';

/** How many of each name there are. */
export function countBy<T>(of: readonly T[], name: (one: T) => string): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const one of of) counts[name(one)] = (counts[name(one)] ?? 0) + 1;
  return counts;
}

/** What a run did and found, for people: the faults by kind and stage, then everything that was counted. */
export function renderOutcome(seed: number, outcome: RecoveryOutcome): string {
  const { faults, paths, convergences, violations, ends } = outcome;
  const longest = convergences.includes(null) ? 'never' : `${Math.max(0, ...convergences.map((seconds) => seconds ?? 0)).toFixed(1)} s`;
  return [
    table(faults),
    '',
    `  seed ${String(seed)}, ${String(faults.length)} faults, ${String(outcome.calls)} calls, ${String(outcome.unknownCalls)} lost answers`,
    `  operations: ${String(ends.done)} done, ${String(ends.superseded)} superseded, ${String(ends.failed)} failed (${share(ends)} of those that ended by themselves; limit ${String(100 * failedAtMost)} %)`,
    `  paths taken: ${Object.entries(paths).sort().map(([path, count]) => `${path} ${String(count)}`).join(', ') || 'none'}`,
    `  longest convergence: ${longest} (limit ${String(convergeWithinS)} s), of ${String(convergences.length)}`,
    ...(violations.length === 0 ? ['  ✓ no violation'] : violations.map((violation) => `  ✗ ${violation}`)),
  ].join('\n');
}

const share = ({ done, failed }: Ends): string => `${((100 * failed) / Math.max(1, done + failed)).toFixed(1)} %`;

function table(faults: readonly Fault[]): string {
  const columns = [...stages, 'any time'] as const;
  const cell = (kind: string, column: string): number => faults.filter((fault) => fault.kind === kind && (fault.stage ?? 'any time') === column).length;
  const row = (name: string, cells: readonly string[]): string => `  ${name.padEnd(23)}${cells.map((text) => text.padStart(11)).join('')}`;
  return [row('', columns), ...faultKinds.map((kind) => row(kind, columns.map((column) => String(cell(kind, column) || '·'))))].join('\n');
}
