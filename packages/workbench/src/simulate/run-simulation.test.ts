import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSimulateArguments } from './arguments';
import { serveTerm } from './compare-policies';
import { htmlReport } from './html-report';
import { runSimulation } from './run-simulation';
import { summaryOf } from './summary';
import { textTable } from './summary-table';
import { usualTerm, type Term } from './term';
import { drawWorkload } from './workload';

const tiny: Term = { ...usualTerm, days: 2, slaves: 3, students: 20 };

describe('the command line of npm run simulate', () => {
  it.each([
    [['--days', '0'], '--days takes a whole number from 1 to 366, not "0".'],
    [['--slaves', '1.5'], '--slaves takes a whole number from 1 to 1000, not "1.5".'],
    [['--students', 'many'], '--students takes a whole number from 1 to 10000, not "many".'],
    [['--seed', '4294967296'], '--seed takes a whole number from 0 to 4294967295, not "4294967296".'],
    [['--policy', 'para,lifo'], 'There is no policy "lifo". There are: para, fifo, no-preemption.'],
    [['--dais', '3'], "unknown option '--dais'"],
    [['thirty'], 'too many arguments'],
  ])('says of %j what is wrong, with the limit', (argv, sentence) => {
    const read = readSimulateArguments(argv);
    expect('fault' in read ? read.fault : '').toContain(sentence);
  });

  it('has the term of the documentation as its default, and takes one’s own', () => {
    expect(readSimulateArguments([])).toEqual({ term: usualTerm, policies: ['para', 'fifo', 'no-preemption'], out: null, json: false });
    expect(readSimulateArguments(['--days', '3', '--policy', 'fifo', '--out', '/tmp/x', '--json'])).toMatchObject({ term: { days: 3, slaves: 40 }, policies: ['fifo'], out: '/tmp/x', json: true });
  });

  it('tells its options when it is asked for them', () => {
    const read = readSimulateArguments(['--help']);
    expect('help' in read ? read.help : '').toContain('--students <number>');
  });
});

describe('a simulation that is run', () => {
  let directory: string;
  const said: string[] = [];
  const written: string[] = [];
  const run = (...argv: readonly string[]): Promise<number> => runSimulation(argv, { say: (line) => said.push(line), write: (text) => written.push(text) });

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'paravcl-simulation-test-'));
    said.length = 0;
    written.length = 0;
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  const arguments_ = (): readonly string[] => ['--days', '2', '--slaves', '3', '--students', '20', '--out', join(directory, 'new')];

  it('prints a table and writes one page that needs nothing else', async () => {
    expect(await run(...arguments_())).toBe(0);
    expect(written.join('')).toMatch(/started at once +\S+ % +\S+ % +\S+ %/);
    const report = await readFile(join(directory, 'new', 'report.html'), 'utf8');
    expect(report.match(/<svg /g)).toHaveLength(4);
    expect(report).toContain('prefers-color-scheme: dark');
    expect(report).toContain('npm run simulate -- --days 2 --slaves 3 --students 20 --seed 7');
    expect((await readdir(join(directory, 'new'))).sort()).toEqual(['late-starts.svg', 'preemptions.svg', 'report.html', 'utilisation.svg', 'waiting.svg']);
    expect(report).not.toMatch(/<script|<link|src=|url\(|NaN|undefined|Infinity/);
  });

  it('prints one object when it is asked for JSON, and all else elsewhere', async () => {
    expect(await run(...arguments_(), '--json', '--policy', 'para')).toBe(0);
    const told = JSON.parse(written.join('')) as { readonly term: Term; readonly policies: readonly { readonly policy: string; readonly requests: number }[]; readonly report: string };
    expect(told.term).toEqual(tiny);
    expect(told.policies.map(({ policy }) => policy)).toEqual(['para']);
    expect(told.policies[0]?.requests).toBeGreaterThan(0);
    expect(told.report).toBe(join(directory, 'new', 'report.html'));
    expect(said.some((line) => line.includes('plans in'))).toBe(true);
  });

  it('ends with 2 and a sentence when the command line or the directory is wrong', async () => {
    expect(await run('--days', '0')).toBe(2);
    expect(said.join('')).toContain('--days takes a whole number');
    expect(await run(...arguments_().slice(0, -1), '/dev/null/report')).toBe(2);
    expect(said.join('')).toContain('Name another directory with --out.');
    expect(written).toEqual([]);
  });
});

describe('a report', () => {
  const workload = drawWorkload(tiny);
  const served = [{ policy: 'para', outcome: serveTerm(tiny, workload, 'para') }] as const;

  it('is the same to the byte for the same term', () => {
    const again = [{ policy: 'para', outcome: serveTerm(tiny, drawWorkload(tiny), 'para') }] as const;
    expect(htmlReport(tiny, 'again', again)).toBe(htmlReport(tiny, 'again', served));
  });

  it('adds up', () => {
    const summary = summaryOf('para', served[0].outcome);
    expect(summary.requests).toBe(workload.requests.length);
    expect(summary.reservations.admitted + summary.reservations.refused).toBe(workload.reservations.length);
    expect(summary.claims.claimed + summary.claims.turnedAway).toBe(workload.reservations.reduce((sum, { claims }) => sum + claims.length, 0));
    expect(summary.waits.median).toBeLessThanOrEqual(summary.waits.p90);
    expect(summary.cores.busiestHour).toBeLessThanOrEqual(summary.cores.capacity);
    expect(textTable([summary]).split('\n')[0]).toMatch(/para$/);
  });

  it('shows nobody suspended where that is forbidden, and no priority that suspends where it is first come, first served', () => {
    const of = (policy: 'fifo' | 'no-preemption'): ReturnType<typeof summaryOf>['suspensions'] => summaryOf(policy, serveTerm({ ...tiny, slaves: 1 }, workload, policy)).suspensions;
    expect(of('no-preemption')).toEqual({ priority: 0, claim: 0, recall: 0 });
    expect(of('fifo').priority).toBe(0);
  });
});
