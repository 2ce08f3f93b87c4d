import { mkdir, mkdtemp, open, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { readSimulateArguments, type SimulateOptions } from './arguments';
import { serveTerm } from './compare-policies';
import { svgPlot } from '../plot/svg-plot';
import { htmlReport, plotsOf, type Served } from './html-report';
import { summaryOf } from './summary';
import { textTable } from './summary-table';
import { drawWorkload } from './workload';

/** Where it tells how far it is, and where what was asked for goes. */
export interface Outputs {
  readonly say: (line: string) => void;
  readonly write: (text: string) => void;
}

/** Does what a command line says; answers the exit code. */
export async function runSimulation(argv: readonly string[], { say, write }: Outputs): Promise<number> {
  const options = readSimulateArguments(argv);
  if ('help' in options) {
    write(options.help);
    return 0;
  }
  if ('fault' in options) {
    say(options.fault);
    return 2;
  }
  // Before minutes of playing: a directory that cannot be made is told at once.
  const directory = options.out === null ? await mkdtemp(join(tmpdir(), 'paravcl-simulation-')) : resolve(options.out);
  try {
    await mkdir(directory, { recursive: true });
    // What cannot be written is told now, too: a directory that is not ours, something of another kind by the name of the report.
    await (await open(join(directory, 'report.html'), 'a')).close();
  } catch (error) {
    say(`The report cannot go to ${directory}: ${error instanceof Error ? error.message : String(error)}. Name another directory with --out.`);
    return 2;
  }
  const served = serve(options, say);
  const report = join(directory, 'report.html');
  await writeFile(report, htmlReport(options.term, commandOf(options), served));
  for (const { name, plot } of plotsOf(options.term, served)) await writeFile(join(directory, `${name}.svg`), svgPlot(plot));
  const summaries = served.map(({ policy, outcome }) => summaryOf(policy, outcome));
  write(options.json ? `${JSON.stringify({ term: options.term, policies: summaries, report })}\n` : `${textTable(summaries)}\n\nReport: ${report}\n`);
  return 0;
}

/** What makes the same report again. */
function commandOf({ term: { days, slaves, students, seed }, policies }: SimulateOptions): string {
  return `npm run simulate -- --days ${String(days)} --slaves ${String(slaves)} --students ${String(students)} --seed ${String(seed)} --policy ${policies.join(',')}`;
}

function serve(options: SimulateOptions, say: Outputs['say']): readonly Served[] {
  const { term, policies } = options;
  const workload = drawWorkload(term);
  say(`${String(workload.requests.length)} requests and ${String(workload.reservations.length)} reservations in ${String(term.days)} days`);
  return policies.map((policy) => {
    const begun = performance.now();
    let days = 0;
    const outcome = serveTerm(term, workload, policy, () => {
      days++;
      if (days % 5 === 0 && days < term.days) say(`${policy}: day ${String(days)} of ${String(term.days)}`);
    });
    const [broken] = outcome.oversubscribed;
    if (broken !== undefined) throw new Error(`The simulated site promised what it does not have: ${broken}.`);
    say(`${policy}: ${String(outcome.counts.plans)} plans in ${((performance.now() - begun) / 1000).toFixed(1)} s`);
    return { policy, outcome };
  });
}
