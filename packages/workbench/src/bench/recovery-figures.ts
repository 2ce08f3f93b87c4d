import { resolve } from 'node:path';
import { longRun, readRecoveryRecord, type RecoveryRecord } from '../recovery/recovery-record';
import { runProgram } from '../process/run-program';
import type { Figure } from './report';

/** The figures that `npm run test:system` counted, if it did so for the very code that is here. */
export async function recoveryFigures(): Promise<readonly Figure[]> {
  return figuresOf(await readRecoveryRecord(), await headCommit());
}

/**
 * Violations and the longest convergence of the last long recovery run. Without a record of commit `head` nothing is
 * known of this code: -1, and it does not hold. A record of a changed work tree proves nothing about a commit, and one
 * of a few faults nothing about recovery.
 */
export function figuresOf(record: RecoveryRecord | null, head: string): readonly Figure[] {
  const known = record !== null && record.commit === head && !record.dirty && record.faults >= longRun ? record : null;
  const from =
    record === null
      ? 'no record: run npm run test:system'
      : known === null && record.faults < longRun
        ? `the last record has ${String(record.faults)} faults, and a figure takes ${String(longRun)}: run npm run test:system`
      : known === null
        ? `the last record is of ${record.commit.slice(0, 12)}${record.dirty ? ' with changes' : ''}, this is ${head.slice(0, 12)}: run npm run test:system`
        : `faults injected by npm run test:system, seed ${String(known.seed)}`;
  const faults = known?.faults ?? 0;
  const shared = { runs: known === null ? 0 : 1, ratio: null, better: 'lower' as const, baseline: { name: from, value: faults } };
  const violations = known?.violations.length ?? -1;
  const convergeS = known?.convergeS ?? -1;
  return [
    { ...shared, name: 'violations', value: violations, unit: '', must: 0, aim: 0, holds: known !== null && violations === 0 },
    { ...shared, name: 'converge_s', value: convergeS, unit: 's', must: 30, aim: 5, holds: known !== null && convergeS >= 0 && convergeS <= 30 },
  ];
}

async function headCommit(): Promise<string> {
  const root = resolve(__dirname, '..', '..', '..', '..');
  return runProgram('git', ['-C', root, 'rev-parse', 'HEAD'], { timeoutMs: 10_000 }).then(
    (text) => text.trim(),
    () => 'unknown',
  );
}
