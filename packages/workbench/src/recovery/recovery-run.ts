import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { login } from '@paravcl/shared/api/sessions';
import { createUser, setPassword } from '@paravcl/shared/api/users';
import { ApiClient } from '../api-client';
import { eventually } from '../eventually';
import { FaultProxy } from '../faults/fault-proxy';
import { buildDemoGuest } from '../guest/demo-guest';
import { patienceMs } from '../lab/enrol-and-approve';
import { randomPassword } from '../lab/lab';
import type { LabHost } from '../lab/lab-host';
import { LabSite } from '../lab/lab-site';
import { registerDemoGuest } from '../lab/register-demo-guest';
import { endsOf, judge, type Ends } from './checker';
import { isLostAnswer, RecordedClient, type Sizes } from './client';
import { converge } from './converge';
import { differences } from './differences';
import { faultKinds, requiredCells, type Aim, type FaultKind } from './fault-plan';
import { plantForeignDomain } from './foreign-domain';
import { GuestWatch } from './guest-watch';
import { HistoryWriter, type Ask } from './history';
import { pictureOf } from './host-picture';
import { Nemesis, type Fault } from './nemesis';
import { countPaths } from './path-counts';
import { domainAtWork, type Books, type DomainAtWork, type HostPicture, type Untouched } from './pictures';
import { BooksReader } from './read-books';
import { SeededRandom } from './seeded-random';
import { processesByInstance, TwinWatch } from './twin-watch';
import { Workload } from './workload';

export interface RecoveryOptions {
  /** Everything of the site, its logs and the history of the calls lie below it; short, and walkable for QEMU. */
  readonly stateDir: string;
  readonly seed: number;
  readonly faults: number;
  readonly hosts: number;
  readonly kinds?: readonly FaultKind[];
  /** Faults to begin with. */
  readonly first?: readonly Aim[];
  /** The site has to come to rest after each so many faults. */
  readonly perRound: number;
  readonly requiredPaths: readonly string[];
  /** What people must have asked for with success while faults were injected. */
  readonly requiredAsks: readonly Ask[];
  /** Whether every kind has to meet every stage. */
  readonly requireCells: boolean;
  /** Fires when it shall end early: what was broken is healed, and what happened so far is judged. */
  readonly enough?: AbortSignal;
  readonly say: (line: string) => void;
}

export interface RecoveryOutcome {
  readonly faults: readonly Fault[];
  readonly violations: readonly string[];
  readonly convergences: readonly (number | null)[];
  readonly calls: number;
  readonly unknownCalls: number;
  /** How what was acknowledged to the people at work ended. */
  readonly ends: Ends;
  readonly paths: Readonly<Record<string, number>>;
}

/** The site must be at rest within this after the last fault. */
export const convergeWithinS = 30;
/** After the faults every request must be answered within this, or it never will be. */
const answeredWithinMs = 60_000;
const fleet = { heartbeatSeconds: 1, suspectAfterSeconds: 4, lostAfterSeconds: 10 } as const;
const students = ['ada', 'bert', 'cleo'] as const;
const workers: ReadonlySet<string> = new Set(students);
const share = { alive: 3, running: 1 } as const;
const clientPort = 8500;

/**
 * A site of several real hosts, people at work on it, and everything in it killed, stopped and cut off, again and
 * again. Answers what a checker says that looks at the calls, the books and the hosts alone.
 */
export async function runRecovery(options: RecoveryOptions): Promise<RecoveryOutcome> {
  const { stateDir, say } = options;
  const random = new SeededRandom(options.seed);
  const site = new LabSite({
    stateDir,
    hosts: Array.from({ length: options.hosts }, (_, index) => ({ offerCores: index === 1 ? 3 : 2 })),
    masterConfig: { fleet },
    faultProxies: true,
  });
  const history = new HistoryWriter(join(stateDir, 'history.jsonl'));
  const guests = new GuestWatch(site.hosts.map(({ pool }) => pool));
  const twins = new TwinWatch();
  const books = new BooksReader(site.master.databaseSocket);
  const clientLink = new FaultProxy({ listen: { host: site.master.options.host, port: clientPort }, target: { host: site.master.options.host, port: site.master.options.port } });
  let workload: Workload | null = null;
  try {
    await site.up();
    await clientLink.start();
    const { admin, sizes, slaves } = await furnish(site, say);
    const foreign = await Promise.all(site.hosts.map(plantForeignDomain));
    const clientFor = async (name: string): Promise<RecordedClient> => new RecordedClient(name, await person(site, admin, name), sizes, history, random.fork());
    guests.start();
    twins.start();

    const untouched = await launchUntouched(await clientFor('keeper'), options.hosts, books);
    say(`${String(untouched.length)} guests run that nobody will touch`);
    workload = new Workload(await Promise.all(students.map(async (name) => ({ client: await clientFor(name), random: random.fork() }))), share);
    const nemesis = new Nemesis({
      patient: { site, clientLink, answersKept: () => books.answersKept(), suspectAfterMs: fleet.suspectAfterSeconds * 1000, lostAfterMs: fleet.lostAfterSeconds * 1000 },
      hosts: slaves,
      books,
      workload,
      random: random.fork(),
      kinds: options.kinds ?? faultKinds,
      say,
    });
    const before = (await see(books, slaves)).at;

    const rounds = await strikeInRounds(options, nemesis, workload, async () => {
      const seen = await see(books, slaves);
      return differences(seen.books, seen.hosts, new Set(foreign));
    });

    await twins.stop();
    await guests.stop();
    const seen = await see(books, slaves);
    const unmoved = (ids: readonly string[]): ReadonlyMap<string, Untouched> => new Map(ids.map((id) => [id, { before: before(id), after: seen.at(id) }]));
    const paths = await countPaths([site.master.logFile, ...site.hosts.map(({ agentLog }) => agentLog)]);
    const violations = judge({
      history: history.lines,
      books: seen.books,
      hosts: seen.hosts,
      foreign: unmoved(foreign),
      guests: guests.guests,
      untouched: unmoved(untouched),
      twins: twins.found,
      seenAtWork: twins.seen,
      workers,
      requiredAsks: options.requiredAsks,
      faults: nemesis.faults.length,
      paths,
      requiredPaths: options.requiredPaths,
      uncovered: options.requireCells ? requiredCells.filter((cell) => !nemesis.met.has(cell)) : [],
      convergences: rounds.convergences,
      convergeWithinS,
      atMs: performance.now(),
    });
    return {
      faults: nemesis.faults,
      violations: [...new Set([...violations, ...rounds.late, ...(options.enough?.aborted === true ? [`The run was ended after ${String(nemesis.faults.length)} of ${String(options.faults)} faults.`] : [])])],
      convergences: rounds.convergences,
      calls: history.lines.filter(({ kind }) => kind === 'invoke').length,
      unknownCalls: history.lines.filter(isLostAnswer).length,
      ends: endsOf(history.lines, seen.books, workers),
      paths,
    };
  } finally {
    // Whoever is still asking writes to the history.
    await workload?.rest(0);
    await twins.stop();
    await guests.stop();
    books.close();
    history.close();
    await clientLink.stop();
    // Everything ends with this process anyway: a site that does not go down must not hide what was found.
    await site.down().catch((error: unknown) => say(`the site did not go down: ${error instanceof Error ? error.message : String(error)}`));
  }
}

interface Rounds {
  /** Seconds after each round until the site was at rest; null when it never was. */
  readonly convergences: readonly (number | null)[];
  /** What was still different when the limit was over, a sentence each. */
  readonly late: readonly string[];
}

/** People work while faults are injected; after each round everybody rests, and so must the site. */
async function strikeInRounds(options: RecoveryOptions, nemesis: Nemesis, workload: Workload, look: () => Promise<readonly string[]>): Promise<Rounds> {
  const { say, enough } = options;
  const convergences: (number | null)[] = [];
  const late: string[] = [];
  while (nemesis.faults.length < options.faults && enough?.aborted !== true) {
    workload.start();
    const first = convergences.length === 0 ? (options.first ?? []) : [];
    await nemesis.strike(Math.min(options.perRound, options.faults - nemesis.faults.length), { first, ...(enough === undefined ? {} : { enough }) });
    const sinceMs = performance.now();
    // The last answers belong to it: whoever waits for one is not at rest.
    await workload.rest(answeredWithinMs);
    const { seconds, late: differing } = await converge(sinceMs, convergeWithinS * 1000, look, (what) =>
      say(`      still different after ${String(convergeWithinS)} s:\n        ${what.join('\n        ')}`),
    );
    convergences.push(seconds);
    const number = String(nemesis.faults.length);
    late.push(...differing.map((what) => `${String(convergeWithinS)} s after fault ${number}: ${what}`));
    say(`      quiet after ${number} faults: ${seconds === null ? 'never came to rest' : `at rest after ${seconds.toFixed(1)} s`}`);
    if (seconds === null) break;
  }
  return { convergences, late };
}

/** Administrator, slaves and an image: what a site has before people come. */
async function furnish(site: LabSite, say: (line: string) => void): Promise<{ readonly admin: ApiClient; readonly sizes: Sizes; readonly slaves: ReadonlyMap<string, LabHost> }> {
  const guest = await buildDemoGuest({ onProgress: say });
  const admin = await site.master.firstAdmin('admin', randomPassword());
  const slaves = await site.enrolAll(admin);
  const image = await registerDemoGuest(admin, guest);
  const hosts = new Map(slaves.flatMap(({ id }, index) => (site.hosts[index] === undefined ? [] : [[id, site.hosts[index]] as const])));
  return { admin, sizes: { imageId: image.id, vcpus: 1, ramMiB: 96 }, slaves: hosts };
}

/** A student with an account, who reaches the master through the clients' link. */
async function person(site: LabSite, admin: ApiClient, name: string): Promise<ApiClient> {
  const password = randomPassword();
  const { password: token } = await admin.call(createUser, { body: { name, displayName: name } });
  await admin.call(setPassword, { body: { token: token.token, password } });
  const { host } = site.master.options;
  const client = new ApiClient({ url: `https://${host}:${String(clientPort)}`, caPem: await readFile(site.master.caFile, 'utf8') });
  const session = await client.call(login, { body: { name, password, transport: 'bearer' } });
  if (session.token === null) throw new Error('The master gave no token for a bearer login.');
  return client.as(session.token);
}

/** One guest for each host, which nobody touches from now on. */
async function launchUntouched(keeper: RecordedClient, count: number, books: BooksReader): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let made = 0; made < count; made += 1) {
    const answer = await keeper.request({ ask: 'launch', instanceId: null, force: false, mustBeRefused: false }, () => false);
    if (answer?.kind !== 'ok') throw new Error(`The launch of a guest was refused before anything was broken: ${answer?.kind === 'fail' ? answer.sentence : 'no answer'}`);
    ids.push(answer.instanceId);
  }
  await eventually('the guests that nobody will touch to run', patienceMs, async () => {
    const instances = (await books.read()).instances.filter(({ id }) => ids.includes(id));
    const failed = instances.find(({ observed }) => observed === 'failed');
    if (failed !== undefined) throw new Error(`A guest could not be launched before anything was broken: ${failed.reasonSentence ?? 'no reason given'}`);
    return instances.every(({ observed }) => observed === 'running') ? true : undefined;
  });
  return ids;
}

interface Sight {
  readonly books: Books;
  readonly hosts: readonly HostPicture[];
  /** What runs the domain of that id; null when no host has it. */
  readonly at: (id: string) => DomainAtWork | null;
}

async function see(books: BooksReader, slaves: ReadonlyMap<string, LabHost>): Promise<Sight> {
  // The hosts first: what the books say of rest was true of them before.
  const hosts = await Promise.all([...slaves].map(([slaveId, host]) => pictureOf(host, slaveId)));
  const processes = processesByInstance();
  return { books: await books.read(), hosts, at: (id) => domainAtWork(id, hosts, processes) };
}

