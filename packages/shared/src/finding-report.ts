import type { Finding } from './finding';

const marks: Readonly<Record<Finding['state'], string>> = { ok: '  ok     ', warning: '! warning', fault: '✗ fault  ' };
/** Worst first: the admin who reads this at night wants the trouble, not the list. */
const order: Readonly<Record<Finding['state'], number>> = { fault: 0, warning: 1, ok: 2 };

const plural = (count: number, noun: string): string => `${String(count)} ${noun}${count === 1 ? '' : 's'}`;

/** For people: trouble first, each with what mends it, then what is well, then the sum, which ends in `sound` where there is no fault. A line each. */
export function reportLines(findings: readonly Finding[], { unicode = true, sound = '' }: { readonly unicode?: boolean; readonly sound?: string } = {}): readonly string[] {
  const sorted = [...findings].sort((one, other) => order[one.state] - order[other.state]);
  const mark = (state: Finding['state']): string => (unicode ? marks[state] : marks[state].replace('✗', 'x'));
  const lines = sorted.flatMap(({ state, sentence, mend }) => [`${mark(state)}  ${sentence}`, ...(mend === null ? [] : [`             mend: ${mend}`])]);
  const [faults, warnings] = (['fault', 'warning'] as const).map((state) => findings.filter((finding) => finding.state === state).length) as [number, number];
  const sum = faults > 0 ? `${plural(faults, 'fault')} and ${plural(warnings, 'warning')}: mend the faults from the top down, then run doctor again.` : `${warnings > 0 ? `No fault, ${plural(warnings, 'warning')}` : 'All is well'}${sound}.`;
  return [...lines, '', sum];
}

export const hasFault = (findings: readonly Finding[]): boolean => findings.some(({ state }) => state === 'fault');
