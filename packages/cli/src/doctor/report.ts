import type { Finding } from '@paravcl/shared/finding';

const marks: Readonly<Record<Finding['state'], string>> = { ok: '  ok     ', warning: '! warning', fault: '✗ fault  ' };
const order: Readonly<Record<Finding['state'], number>> = { fault: 0, warning: 1, ok: 2 };
const plural = (count: number, noun: string): string => `${String(count)} ${noun}${count === 1 ? '' : 's'}`;

/** For people: trouble first, each with what mends it, then what is well, then the sum. A line each. */
export function reportLines(findings: readonly Finding[], unicode: boolean): readonly string[] {
  const sorted = [...findings].sort((one, other) => order[one.state] - order[other.state]);
  const mark = (state: Finding['state']): string => (unicode ? marks[state] : marks[state].replace('✗', 'x'));
  const lines = sorted.flatMap(({ state, sentence, mend }) => [`${mark(state)}  ${sentence}`, ...(mend === null ? [] : [`             mend: ${mend}`])]);
  const faults = findings.filter(({ state }) => state === 'fault').length;
  const warnings = findings.filter(({ state }) => state === 'warning').length;
  const sum =
    faults > 0 ? `${plural(faults, 'fault')} and ${plural(warnings, 'warning')}: mend the faults from the top down, then run doctor again.` : warnings > 0 ? `No fault, ${plural(warnings, 'warning')}.` : 'All is well.';
  return [...lines, '', sum];
}

export const hasFault = (findings: readonly Finding[]): boolean => findings.some(({ state }) => state === 'fault');
