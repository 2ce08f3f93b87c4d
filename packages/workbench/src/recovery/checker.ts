import type { Boot, GuestTrace } from './guest-trace';
import { requestsOf, type Ask, type HistoryLine, type Request } from './history';
import type { Books, HostPicture } from './pictures';
import { differences } from './differences';

/** Everything a run leaves behind to be judged by. Nothing here comes from the code under test but the books. */
export interface Evidence {
  readonly history: readonly HistoryLine[];
  readonly books: Books;
  readonly hosts: readonly HostPicture[];
  readonly foreign: ReadonlySet<string>;
  /** By instance: what its serial console told during the whole run, also of those that are gone. */
  readonly guests: ReadonlyMap<string, GuestTrace>;
  /** Instances that nobody asked to stop: launched at the start and never touched. */
  readonly untouched: readonly string[];
  /** Moments in which two processes ran one instance, as seen in the process table: a sentence each. */
  readonly twins: readonly string[];
  readonly faults: number;
  /** How often each rare path of recovery was taken, and which had to be. */
  readonly paths: Readonly<Record<string, number>>;
  readonly requiredPaths: readonly string[];
  /** Kinds of faults in stages that had to be met and were not. */
  readonly uncovered: readonly string[];
  /** Seconds to each convergence; null for one that never came. */
  readonly convergences: readonly (number | null)[];
  readonly convergeWithinS: number;
  /** When the evidence was taken, on the clock of history and traces. */
  readonly atMs: number;
}

/** A guest counts ten times a second; on a machine that is full it may be held up for some seconds. */
const countsWithinMs = 15_000;

/**
 * Judges a run: a sentence for everything that should not have happened. Empty means that every acknowledged
 * request was done or failed with a reason, exactly once; that no instance ran twice; that nothing is left over;
 * that it converged in time; that guests nobody asked to stop never stopped; and that the run was worth
 * something: faults were injected, and the rare paths were taken.
 */
export function judge(evidence: Evidence): readonly string[] {
  const requests = requestsOf(evidence.history);
  return [
    ...worth(evidence),
    ...differences(evidence.books, evidence.hosts, evidence.foreign),
    ...evidence.twins,
    ...requests.flatMap((request) => answers(request, evidence.books)),
    ...effects(requests, evidence.books),
    ...neverStopped(evidence),
    ...lives(requests, evidence),
    ...slow(evidence),
  ];
}

function worth({ faults, history, paths, requiredPaths, uncovered }: Evidence): readonly string[] {
  return [
    ...(faults === 0 ? ['The run injected no fault, so it proves nothing.'] : []),
    ...(history.some(({ kind }) => kind === 'ok') ? [] : ['No call of any client was acknowledged, so there is nothing to judge.']),
    ...requiredPaths.filter((path) => (paths[path] ?? 0) === 0).map((path) => `The path ${path} was never taken, so the run says nothing of it.`),
    ...uncovered.map((cell) => `No fault met ${cell}.`),
  ];
}

const titled = (request: Request): string => `Call ${String(request.call)} (${request.client}: ${request.ask}${request.instanceId === null ? '' : ` ${request.instanceId}`})`;

/** Each request by itself: answered in the end, always the same, and what was acknowledged is in the books and over. */
function answers(request: Request, books: Books): readonly string[] {
  const { ok, failed } = request;
  const found: string[] = [];
  if (ok.length === 0 && failed.length === 0) return [`${titled(request)} was never answered, though it was asked again after the faults had ended.`];
  if (request.mustBeRefused) return ok.length === 0 ? [] : [`${titled(request)} had to be refused and was acknowledged.`];
  const [refusal] = failed;
  if (ok.length > 0 && refusal !== undefined) found.push(`${titled(request)} was acknowledged and, under the same key, refused: ${refusal.code}, ${refusal.sentence}`);
  if (request.ask === 'see') return found;

  const operations = new Set(ok.flatMap(({ operationId }) => operationId ?? []));
  const instances = new Set(ok.flatMap(({ instanceId }) => instanceId ?? []));
  // Without a key a repetition is a request of its own, as DELETE is: it may be given another operation.
  if (request.key !== null && operations.size > 1) found.push(`${titled(request)} was answered with ${String(operations.size)} operations under one key: ${[...operations].join(', ')}.`);
  if (instances.size > 1) found.push(`${titled(request)} was answered with ${String(instances.size)} instances under one key: ${[...instances].join(', ')}.`);
  for (const id of operations) {
    const operation = books.operations.find((known) => known.id === id);
    if (operation === undefined) found.push(`${titled(request)} was acknowledged, and its operation ${id} is not in the books.`);
    else if (operation.state === 'failed' && operation.sentence.trim() === '') found.push(`${titled(request)} failed, and nothing says why.`);
  }
  for (const id of instances) {
    const instance = books.instances.find((known) => known.id === id);
    if (instance === undefined) found.push(`${titled(request)} was acknowledged, and its instance ${id} is not in the books.`);
    else if (request.ask === 'delete' && ok.length > 0 && instance.desired !== 'deleted') found.push(`${titled(request)} was acknowledged, and the instance is to be ${instance.desired}.`);
  }
  return found;
}

const operationOf: Readonly<Record<Exclude<Ask, 'see'>, string>> = {
  launch: 'instance.create',
  start: 'instance.start',
  resume: 'instance.resume',
  suspend: 'instance.suspend',
  stop: 'instance.stop',
  delete: 'instance.delete',
};
const wishOf = { launch: 'running', start: 'running', resume: 'running', suspend: 'suspended', stop: 'stopped', delete: 'deleted' } as const;

/** All requests together: nothing was done that nobody asked for, and nothing twice. */
function effects(requests: readonly Request[], books: Books): readonly string[] {
  const found: string[] = [];
  // What was refused did nothing; all others did something once, or may have.
  const asked = requests.filter(({ ok, failed, ask, mustBeRefused }) => ask !== 'see' && !mustBeRefused && (ok.length > 0 || failed.length === 0));
  const clients = new Set(requests.map(({ client }) => client));

  const launched = new Set(asked.filter(({ ask }) => ask === 'launch').flatMap(({ ok }) => ok.flatMap(({ instanceId }) => instanceId ?? [])));
  const unanswered = asked.filter(({ ask, ok }) => ask === 'launch' && ok.length === 0).length;
  const strangers = books.instances.filter(({ id }) => !launched.has(id));
  if (strangers.length > unanswered) {
    found.push(`${String(strangers.length)} instances are in the books that no launch was answered with (${strangers.map(({ name, id }) => `${name} ${id}`).join(', ')}): a request was done twice, or nobody's was.`);
  }

  for (const instance of books.instances) {
    const ofIt = asked.filter(({ ask, instanceId, ok }) => (ask === 'launch' ? ok.some((answer) => answer.instanceId === instance.id) : instanceId === instance.id));
    for (const [ask, kind] of Object.entries(operationOf) as [Exclude<Ask, 'see'>, string][]) {
      const wishes = ofIt.filter((request) => request.ask === ask);
      const made = books.operations.filter((operation) => operation.kind === kind && operation.instanceId === instance.id);
      // DELETE bears no key: each repetition may be given an operation of its own, and changes nothing.
      const most = ask === 'delete' || (ask === 'launch' && !launched.has(instance.id)) ? Infinity : wishes.length;
      if (made.length > most) found.push(`Instance ${instance.name} (${instance.id}) has ${String(made.length)} operations ${kind}, and ${String(most)} were asked for.`);
    }
    // Every wish of a person that changed what is desired is a line of the history under a new generation.
    const mine = books.transitions.filter(({ instanceId }) => instanceId === instance.id);
    const byPeople = mine.filter(({ by, generation }, index) => by.startsWith('user ') && clients.has(by.slice('user '.length)) && generation > (mine[index - 1]?.generation ?? 0));
    for (const wish of ['running', 'suspended', 'stopped', 'deleted'] as const) {
      const wishes = ofIt.filter(({ ask }) => wishOf[ask as Exclude<Ask, 'see'>] === wish).length;
      const done = byPeople.filter(({ desired }) => desired === wish).length;
      const most = wish === 'running' && !launched.has(instance.id) ? wishes + 1 : wishes;
      if (done > most) found.push(`Instance ${instance.name} (${instance.id}) was made to be ${wish} ${String(done)} times, and ${String(most)} requests asked for it.`);
    }
    if (mine.some(({ reasonCode }) => reasonCode === 'StoppedByGuest')) found.push(`Instance ${instance.name} (${instance.id}) was taken for one whose guest switched itself off, and no guest of this run does.`);
    if (mine.some(({ reasonCode }) => reasonCode === 'DomainLost')) found.push(`Instance ${instance.name} (${instance.id}) was taken for lost, and nobody took a domain away in this run.`);
  }
  return found;
}

/** Guests that nobody asked to stop: one boot, every count, and still counting. */
function neverStopped({ untouched, guests, books, atMs }: Evidence): readonly string[] {
  return untouched.flatMap((id) => {
    const name = books.instances.find((instance) => instance.id === id)?.name ?? 'of no name';
    const boots = guests.get(id)?.boots ?? [];
    const [boot] = boots;
    if (boot?.last == null) return [`Guest ${name} (${id}), which nobody asked to stop, never counted.`];
    if (boots.length > 1) return [`Guest ${name} (${id}), which nobody asked to stop, booted ${String(boots.length)} times: ${boots.map(life).join(', then ')}.`];
    const late = atMs - boot.lastMs;
    return late > countsWithinMs ? [`Guest ${name} (${id}), which nobody asked to stop, counts no more: ${String(boot.last)} was its last, ${(late / 1000).toFixed(0)} s ago.`] : [];
  });
}

const life = ({ bootId, first, last }: Boot): string => `${bootId ?? 'unknown boot'} counted ${String(first)}–${String(last)}`;

/** All guests: RAM that was saved came back (the counter goes on), and none booted more often than it was started. */
function lives(requests: readonly Request[], { guests, books }: Evidence): readonly string[] {
  const found: string[] = [];
  for (const [id, { boots }] of guests) {
    const name = books.instances.find((instance) => instance.id === id)?.name ?? 'of no name';
    for (const boot of boots) {
      const [jump] = boot.jumps;
      if (jump !== undefined) found.push(`Guest ${name} (${id}) counted ${String(jump[1])} after ${String(jump[0])}: its RAM is not what it was.`);
    }
    const starts = requests.filter(({ ask, instanceId, ok, failed }) => ask === 'start' && instanceId === id && (ok.length > 0 || failed.length === 0)).length;
    if (boots.length > 1 + starts) found.push(`Guest ${name} (${id}) booted ${String(boots.length)} times, and was started ${String(1 + starts)} times: ${boots.map(life).join(', then ')}.`);
  }
  return found;
}

function slow({ convergences, convergeWithinS }: Evidence): readonly string[] {
  return convergences.flatMap((seconds, index) => {
    const which = `After quiet ${String(index + 1)} of ${String(convergences.length)}`;
    if (seconds === null) return [`${which} the site never came to rest.`];
    return seconds > convergeWithinS ? [`${which} the site took ${seconds.toFixed(1)} s to come to rest; the limit is ${String(convergeWithinS)} s.`] : [];
  });
}
