import type { SimulationOutcome } from '@paravcl/master/core/simulation/simulation-outcome';
import { svgPlot, type Plot, type Series } from '../plot/svg-plot';
import type { PolicyName } from './compare-policies';
import { perDay, summaryOf } from './summary';
import { rows, tellSeconds } from './summary-table';
import { dayMs, type Term } from './term';

/** What one policy made of the term. */
export interface Served {
  readonly policy: PolicyName;
  readonly outcome: SimulationOutcome;
}

/** Told apart on dark and on light, and by who sees few colours: one is dashed. */
const looks: Readonly<Record<PolicyName, Pick<Series, 'colour' | 'dashed'>>> = {
  para: { colour: '#2f81f7' },
  fifo: { colour: '#d9730d', dashed: true },
  'no-preemption': { colour: '#2e9e5b' },
};

const drawn = (served: readonly Served[], pointsOf: (outcome: SimulationOutcome) => Series['points']): readonly Series[] =>
  served.map(({ policy, outcome }) => ({ name: policy, ...looks[policy], points: pointsOf(outcome) }));

/** An axis from 0 that has its highest value within, with whole, round steps. */
function marksUpTo(highest: number): readonly number[] {
  const rough = Math.max(1, highest) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(1, [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= rough) ?? 10 * power);
  const steps = Math.ceil(Math.max(1, highest) / step);
  return Array.from({ length: steps + 1 }, (_, n) => n * step);
}

function dayMarks({ days }: Term): readonly number[] {
  const step = Math.max(1, Math.ceil(days / 10));
  const marks = Array.from({ length: Math.floor(days / step) + 1 }, (_, n) => n * step);
  return marks.at(-1) === days ? marks : [...marks, days];
}

const waitMarks = [1, 10, 60, 600, 3600, 36_000, 360_000];

/** Which share of requests had waited at most so long, along waits that grow evenly in size. Who never waited stands at a second. */
function waitingPlot(served: readonly Served[]): Plot {
  const [least, most] = [waitMarks[0] ?? 1, waitMarks.at(-1) ?? 1];
  const grid = Array.from({ length: 121 }, (_, n) => least * (most / least) ** (n / 120));
  const points = ({ requests }: SimulationOutcome): Series['points'] => {
    const waits = requests.map(({ totalWaitMs }) => totalWaitMs / 1000);
    return grid.map((seconds) => [seconds, waits.length === 0 ? 100 : (100 * waits.filter((wait) => wait <= seconds).length) / waits.length]);
  };
  const series = drawn(served, points);
  const lowest = Math.min(100, ...series.flatMap((one) => one.points.map(([, share]) => share)));
  // Where nobody waits, there is still an axis.
  const from = Math.max(0, Math.min(90, Math.floor(lowest / 10) * 10));
  const step = from >= 80 ? 2 : from >= 50 ? 5 : 10;
  return {
    title: 'Waiting time of best-effort requests',
    x: { label: 'waited at most, suspensions included', scale: 'logarithmic', marks: waitMarks, tell: tellSeconds },
    y: { label: '% of requests', scale: 'linear', marks: Array.from({ length: (100 - from) / step + 1 }, (_, n) => from + n * step) },
    series,
  };
}

function utilisationPlot(term: Term, served: readonly Served[]): Plot {
  const capacity = served[0]?.outcome.capacityCores ?? 0;
  const inUse = ({ utilisation }: SimulationOutcome): Series['points'] => utilisation.map(({ from, to, bestEffortCores, reservedCores }) => [((from + to) / 2 - term.beginsAt) / dayMs, bestEffortCores + reservedCores]);
  const [first] = served;
  const reserved: readonly Series[] =
    first === undefined ? [] : [{ name: `reserved (${first.policy})`, colour: '#a371f7', points: first.outcome.utilisation.map(({ from, to, reservedCores }) => [((from + to) / 2 - term.beginsAt) / dayMs, reservedCores] as const) }];
  return {
    title: `Cores in use, of ${String(capacity)}`,
    x: { label: 'day of the term', scale: 'linear', marks: dayMarks(term) },
    y: { label: 'cores, mean of an hour', scale: 'linear', marks: marksUpTo(capacity) },
    series: [...drawn(served, inUse), ...reserved],
  };
}

function dailyPlot(term: Term, title: string, label: string, served: readonly Served[], momentsOf: (outcome: SimulationOutcome) => readonly number[]): Plot {
  const series = drawn(served, (outcome) => perDay(term, momentsOf(outcome)).map((count, day) => [day + 0.5, count]));
  return { title, x: { label: 'day of the term', scale: 'linear', marks: dayMarks(term) }, y: { label, scale: 'linear', marks: marksUpTo(Math.max(1, ...series.flatMap(({ points }) => points.map(([, count]) => count)))) }, series };
}

const preemptionsPlot = (term: Term, served: readonly Served[]): Plot =>
  dailyPlot(term, 'Suspended for others, by day', 'suspensions', served, ({ suspensions }) => suspensions.map(({ at }) => at));

const lateStartsPlot = (term: Term, served: readonly Served[]): Plot =>
  dailyPlot(term, 'Claims of reserved machines more than 60 s late, by day', 'claims', served, ({ reservations }) =>
    reservations.flatMap(({ claims }) => claims.filter(({ late }) => late).map(({ claimedAt }) => claimedAt)),
  );

/** The report's plots, each under the name of its file. */
export function plotsOf(term: Term, served: readonly Served[]): readonly { readonly name: string; readonly plot: Plot }[] {
  return [
    { name: 'waiting', plot: waitingPlot(served) },
    { name: 'utilisation', plot: utilisationPlot(term, served) },
    { name: 'preemptions', plot: preemptionsPlot(term, served) },
    { name: 'late-starts', plot: lateStartsPlot(term, served) },
  ];
}

const style = `
  :root { color-scheme: light dark; --ground: #fff; --text: #1c2128; --soft: #59636e; --line: #d1d9e0; }
  @media (prefers-color-scheme: dark) { :root { --ground: #0d1117; --text: #e6edf3; --soft: #9198a1; --line: #3d444d; } }
  body { margin: 2rem auto; max-width: 60rem; padding: 0 1rem; background: var(--ground); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
  table { border-collapse: collapse; } th, td { padding: .25rem .75rem; border-bottom: 1px solid var(--line); text-align: right; }
  th:first-child { text-align: left; font-weight: normal; } thead th { font-weight: 600; }
  p { color: var(--soft); } code { color: var(--text); } .table { overflow-x: auto; }
  svg { width: 100%; height: auto; margin: 1rem 0; } svg rect { fill: var(--ground); } svg text:not([fill]) { fill: var(--text); }
  svg path[stroke="#ddd"], svg path[stroke="#eee"] { stroke: var(--line); }`;

/** The whole report as one page without a script; it loads nothing. The same outcomes give the same bytes. */
export function htmlReport(term: Term, command: string, served: readonly Served[]): string {
  const { days, slaves, students, seed } = term;
  const summaries = served.map(({ policy, outcome }) => summaryOf(policy, outcome));
  const head = `<tr><th scope="col"></th>${summaries.map(({ policy }) => `<th scope="col">${policy}</th>`).join('')}</tr>`;
  const body = rows.map(({ name, of }) => `<tr><th scope="row">${name}</th>${summaries.map((summary) => `<td>${of(summary)}</td>`).join('')}</tr>`).join('\n');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>A simulated term</title>
<style>${style}
</style>
</head>
<body>
<h1>A simulated term</h1>
<p>${String(days)} days of ${String(students)} students on ${String(slaves)} hosts, seed ${String(seed)}: the same requests under each policy. Made by <code>${command}</code>; docs/simulation.md says what is simulated and what is not.</p>
<div class="table">
<table>
<thead>${head}</thead>
<tbody>
${body}
</tbody>
</table>
</div>
${plotsOf(term, served).map(({ plot }) => `<figure role="img" aria-label="${plot.title}">\n${svgPlot(plot)}</figure>`).join('\n')}
</body>
</html>
`;
}
