import type { Finding } from '@paravcl/shared/finding';

const marks: Readonly<Record<Finding['state'], string>> = { ok: '  ok     ', warning: '! warning', fault: '✗ fault  ' };
/** Worst first: the admin who reads this at night wants the trouble, not the list. */
const order: Readonly<Record<Finding['state'], number>> = { fault: 0, warning: 1, ok: 2 };

const plural = (count: number, noun: string): string => `${String(count)} ${noun}${count === 1 ? '' : 's'}`;

/** For people: trouble first, each with the command that mends it, then what is well, then the sum. */
export function reportText(findings: readonly Finding[]): string {
  const sorted = [...findings].sort((one, other) => order[one.state] - order[other.state]);
  const lines = sorted.flatMap(({ state, sentence, mend }) => [`${marks[state]}  ${sentence}`, ...(mend === null ? [] : [`             mend: ${mend}`])]);
  const faults = findings.filter((finding) => finding.state === 'fault').length;
  const warnings = findings.filter((finding) => finding.state === 'warning').length;
  const sum =
    faults > 0
      ? `${plural(faults, 'fault')} and ${plural(warnings, 'warning')}: mend the faults from the top down, then run doctor again.`
      : warnings > 0
        ? `No fault, ${plural(warnings, 'warning')}: this host can run guests.`
        : 'All is well: this host can run guests.';
  return [...lines, '', sum, ''].join('\n');
}

/** For scripts: `{ok, findings}` on one line. */
export function reportJson(findings: readonly Finding[]): string {
  return `${JSON.stringify({ ok: exitStatus(findings) === 0, findings })}\n`;
}

/** 0 when there is no fault, 1 otherwise; warnings do not count. */
export function exitStatus(findings: readonly Finding[]): 0 | 1 {
  return findings.some((finding) => finding.state === 'fault') ? 1 : 0;
}
