import type { PolicySummary } from './summary';

/** One line of the table: what it tells, and how it is told of one policy. */
export interface Row {
  readonly name: string;
  readonly of: (summary: PolicySummary) => string;
}

/** "0 s", "45 s", "12 min", "3.4 h", "10 h": short, for a table. */
export function tellSeconds(seconds: number): string {
  if (seconds < 90) return `${String(Math.round(seconds))} s`;
  if (seconds < 3600) return `${String(Math.round(seconds / 60))} min`;
  return `${(seconds / 3600).toFixed(1).replace('.0', '')} h`;
}

const percent = (part: number, of: number): string => (of === 0 ? '–' : `${((100 * part) / of).toFixed(1)} %`);

/** What is told of each policy, in this order. */
export const rows: readonly Row[] = [
  { name: 'best-effort requests', of: ({ requests }) => String(requests) },
  { name: 'started at once', of: ({ startedAtOnce, requests }) => percent(startedAtOnce, requests) },
  { name: 'waiting in all, mean', of: ({ waits }) => tellSeconds(waits.mean) },
  { name: 'waiting in all, 90 % at most', of: ({ waits }) => tellSeconds(waits.p90) },
  { name: 'waiting in all, 99 % at most', of: ({ waits }) => tellSeconds(waits.p99) },
  { name: 'waiting in all, longest', of: ({ waits }) => tellSeconds(waits.longest) },
  { name: 'still waiting at the end', of: ({ stillWaiting }) => String(stillWaiting) },
  { name: 'suspended for a higher priority', of: ({ suspensions }) => String(suspensions.priority) },
  { name: 'suspended for reservations', of: ({ suspensions }) => String(suspensions.claim + suspensions.recall) },
  { name: 'requests that were suspended', of: ({ suspendedRequests, requests }) => percent(suspendedRequests, requests) },
  { name: 'reservations admitted', of: ({ reservations }) => String(reservations.admitted) },
  { name: 'reservations refused', of: ({ reservations }) => String(reservations.refused) },
  { name: 'reservations moved', of: ({ reservations }) => String(reservations.moved) },
  { name: 'reserved machines claimed', of: ({ claims }) => String(claims.claimed) },
  { name: 'turned away from a class', of: ({ claims }) => String(claims.turnedAway) },
  { name: 'claims more than 60 s late', of: ({ claims }) => String(claims.late) },
  { name: '… though promised and the room existed', of: ({ claims }) => String(claims.lateThoughRoomExisted) },
  { name: 'cores in use, mean', of: ({ cores }) => `${cores.meanInUse.toFixed(1)} of ${String(cores.capacity)}` },
  { name: 'cores in use, busiest hour', of: ({ cores }) => cores.busiestHour.toFixed(1) },
];

/** The table for a terminal, one column a policy. */
export function textTable(summaries: readonly PolicySummary[]): string {
  const cells = [['', ...summaries.map(({ policy }) => policy)], ...rows.map(({ name, of }) => [name, ...summaries.map(of)])];
  const widths = (cells[0] ?? []).map((_, column) => Math.max(...cells.map((line) => (line[column] ?? '').length)));
  return cells.map((line) => line.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  ')).join('\n');
}
