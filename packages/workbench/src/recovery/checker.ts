import type { Evidence } from './evidence';
import { changedForeign, lives, neverStopped, unwatched } from './guest-rules';
import { requestsOf, type Ask, type HistoryLine, type Request } from './history';
import type { Books } from './pictures';
import { differences } from './differences';

/** No fault of the run makes a launch or a verb impossible: a few may fail, a run in which most do proves nothing. */
export const failedAtMost = 0.1;

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
    ...served(requests, evidence),
    ...differences(evidence.books, evidence.hosts, new Set(evidence.foreign.keys())),
    ...evidence.twins,
    ...unwatched(evidence),
    ...requests.flatMap((request) => answers(request, evidence.books)),
    ...effects(requests, evidence.books),
    ...neverStopped(evidence),
    ...changedForeign(evidence),
    ...lives(requests, evidence),
    ...slow(evidence),
  ];
}

function worth({ faults, paths, requiredPaths, uncovered }: Evidence): readonly string[] {
  return [
    ...(faults === 0 ? ['The run injected no fault, so it proves nothing.'] : []),
    ...requiredPaths.filter((path) => (paths[path] ?? 0) === 0).map((path) => `The path ${path} was never taken, so the run says nothing of it.`),
    ...uncovered.map((cell) => `No fault met ${cell}.`),
  ];
}

/** What became of the operations that were acknowledged to the people at work. */
export interface Ends {
  readonly done: number;
  readonly failed: number;
  readonly superseded: number;
}

/** Counts how the operations of `workers` ended. One that is still pending counts nowhere; it is a difference. */
export function endsOf(history: readonly HistoryLine[], books: Books, workers: ReadonlySet<string>): Ends {
  const states = operationsOf(requestsOf(history).filter(({ client }) => workers.has(client)), books).map(({ state }) => state);
  const count = (state: string): number => states.filter((known) => known === state).length;
  return { done: count('done'), failed: count('failed'), superseded: count('superseded') };
}

function operationsOf(requests: readonly Request[], books: Books): readonly Books['operations'][number][] {
  const ids = new Set(requests.flatMap(({ ok }) => ok.flatMap(({ operationId }) => operationId ?? [])));
  return books.operations.filter(({ id }) => ids.has(id));
}

/** The people at work were served: each verb was acknowledged and done, and little of it failed. */
function served(requests: readonly Request[], { history, books, workers, requiredAsks }: Evidence): readonly string[] {
  const found: string[] = [];
  for (const ask of requiredAsks) {
    const acknowledged = requests.filter((request) => workers.has(request.client) && request.ask === ask && !request.mustBeRefused && request.ok.length > 0);
    if (acknowledged.length === 0) found.push(`No ${ask} was acknowledged while faults were injected, so the run says nothing of it.`);
    else if (!operationsOf(acknowledged, books).some(({ state }) => state === 'done')) found.push(`Of ${String(acknowledged.length)} acknowledged requests to ${ask} none was done, so the run says nothing of it.`);
  }
  const { done, failed } = endsOf(history, books, workers);
  if (failed > failedAtMost * (done + failed)) {
    const reasons = books.operations.filter(({ state }) => state === 'failed').map(({ kind, sentence }) => `${kind}: ${sentence}`);
    found.push(`${String(failed)} of ${String(done + failed)} operations failed, and no fault of the run makes more than ${String(failedAtMost * 100)} % impossible: ${[...new Set(reasons)].slice(0, 5).join('; ')}`);
  }
  return found;
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

  const operations = new Set(ok.flatMap(({ operationId }) => operationId ?? []));
  const instances = new Set(ok.flatMap(({ instanceId }) => instanceId ?? []));
  // Without a key a repetition is a request of its own, as DELETE is: it may be given another operation.
  if (request.key !== null && operations.size > 1) found.push(`${titled(request)} was answered with ${String(operations.size)} operations under one key: ${[...operations].join(', ')}.`);
  if (instances.size > 1) found.push(`${titled(request)} was answered with ${String(instances.size)} instances under one key: ${[...instances].join(', ')}.`);
  for (const id of operations) {
    const operation = books.operations.find((known) => known.id === id);
    if (operation === undefined) found.push(`${titled(request)} was acknowledged, and its operation ${id} is not in the books.`);
    else if (operation.state === 'failed' && operation.sentence.trim() === '') found.push(`${titled(request)} failed, and nothing says why.`);
    else if (operation.state === 'done' && !wasFulfilled(operation, wishOf[request.ask], books)) {
      found.push(`${titled(request)} is done by its operation ${id}, and the instance was never ${wishOf[request.ask]} under that wish.`);
    }
  }
  for (const id of instances) {
    const instance = books.instances.find((known) => known.id === id);
    if (instance === undefined) found.push(`${titled(request)} was acknowledged, and its instance ${id} is not in the books.`);
    else if (request.ask === 'delete' && ok.length > 0 && instance.desired !== 'deleted') found.push(`${titled(request)} was acknowledged, and the instance is to be ${instance.desired}.`);
  }
  return found;
}

/** Every change of state, of what is desired and of the generation is a line of the history: that of the goal is one of the wish's generation. */
function wasFulfilled({ instanceId, generation }: Books['operations'][number], wish: (typeof wishOf)[Ask], { transitions }: Books): boolean {
  return transitions.some((line) => line.instanceId === instanceId && line.generation === generation && line.desired === wish && line.to === wish);
}

const operationOf: Readonly<Record<Ask, string>> = {
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
  const asked = requests.filter(({ ok, failed, mustBeRefused }) => !mustBeRefused && (ok.length > 0 || failed.length === 0));
  const clients = new Set(requests.map(({ client }) => client));

  const launched = new Set(asked.filter(({ ask }) => ask === 'launch').flatMap(({ ok }) => ok.flatMap(({ instanceId }) => instanceId ?? [])));
  const unanswered = asked.filter(({ ask, ok }) => ask === 'launch' && ok.length === 0).length;
  const strangers = books.instances.filter(({ id }) => !launched.has(id));
  if (strangers.length > unanswered) {
    found.push(`${String(strangers.length)} instances are in the books that no launch was answered with (${strangers.map(({ name, id }) => `${name} ${id}`).join(', ')}): a request was done twice, or nobody's was.`);
  }

  for (const instance of books.instances) {
    const ofIt = asked.filter(({ ask, instanceId, ok }) => (ask === 'launch' ? ok.some((answer) => answer.instanceId === instance.id) : instanceId === instance.id));
    for (const [ask, kind] of Object.entries(operationOf) as [Ask, string][]) {
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
      const wishes = ofIt.filter(({ ask }) => wishOf[ask] === wish).length;
      const done = byPeople.filter(({ desired }) => desired === wish).length;
      const most = wish === 'running' && !launched.has(instance.id) ? wishes + 1 : wishes;
      if (done > most) found.push(`Instance ${instance.name} (${instance.id}) was made to be ${wish} ${String(done)} times, and ${String(most)} requests asked for it.`);
    }
    if (mine.some(({ reasonCode }) => reasonCode === 'StoppedByGuest')) found.push(`Instance ${instance.name} (${instance.id}) was taken for one whose guest switched itself off, and no guest of this run does.`);
    if (mine.some(({ reasonCode }) => reasonCode === 'DomainLost')) found.push(`Instance ${instance.name} (${instance.id}) was taken for lost, and nobody took a domain away in this run.`);
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
