import type { Evidence } from './evidence';
import type { Boot } from './guest-trace';
import type { Request } from './history';
import type { DomainAtWork, Untouched } from './pictures';

/** A guest counts ten times a second; on a machine that is full it may be held up for some seconds. */
const countsWithinMs = 15_000;
/** Every guest that counted ran in a process: one that the watch for twins never saw was not watched. */
export function unwatched({ guests, seenAtWork }: Evidence): readonly string[] {
  return [...guests].filter(([id, { boots }]) => boots.some(({ last }) => last !== null) && !seenAtWork.has(id)).map(([id]) => `Guest ${id} counted, and the watch for twins never saw its process, so it says nothing of it.`);
}

const shown = (at: DomainAtWork | null): string => (at === null ? 'nowhere' : `${at.state} on ${at.host}, number ${String(at.domId)}, process ${at.pids.join(' and ') || 'none'}`);

/** The same run of the same domain in the same state: it was neither started again nor saved and restored. */
function isSame({ before, after }: Untouched): boolean {
  return before !== null && after !== null && before.domId !== null && before.pids.length === 1 && shown(before) === shown(after);
}

/** Domains that are not ours: each the same run of the same process, in the same state. */
export function changedForeign({ foreign }: Evidence): readonly string[] {
  return [...foreign].filter(([, one]) => !isSame(one)).map(([id, { before, after }]) => `The foreign domain ${before?.name ?? ''} (${id}) was touched: it was ${shown(before)}, and is ${shown(after)}.`);
}

/** Where a guest that nobody asks to stop must not have been, by the books. */
const halts: ReadonlySet<string> = new Set(['suspending', 'suspended', 'stopping', 'stopped', 'failed']);

/** Guests that nobody asked to stop: one run of the domain, one boot, every count without a long silence, and still counting. */
export function neverStopped(evidence: Evidence): readonly string[] {
  const { untouched, books } = evidence;
  return [...untouched].flatMap(([id, one]) => {
    const name = books.instances.find((instance) => instance.id === id)?.name ?? 'of no name';
    const halted = books.transitions.filter(({ instanceId, to }) => instanceId === id && halts.has(to)).map(({ to }) => to);
    const other = books.transitions.filter(({ instanceId, desired }) => instanceId === id && desired !== 'running').map(({ desired }) => desired);
    return [
      ...countedOn(id, name, evidence),
      ...(isSame(one) ? [] : [`Guest ${name} (${id}), which nobody asked to stop, runs otherwise than before: it was ${shown(one.before)}, and is ${shown(one.after)}.`]),
      ...(halted.length === 0 ? [] : [`Guest ${name} (${id}), which nobody asked to stop, was ${[...new Set(halted)].join(' and ')} in the books.`]),
      ...(other.length === 0 ? [] : [`Guest ${name} (${id}), which nobody asked to stop, was to be ${[...new Set(other)].join(' and ')}.`]),
    ];
  });
}

function countedOn(id: string, name: string, { guests, atMs }: Evidence): readonly string[] {
  const boots = guests.get(id)?.boots ?? [];
  const [boot] = boots;
  if (boot?.last == null) return [`Guest ${name} (${id}), which nobody asked to stop, never counted.`];
  if (boots.length > 1) return [`Guest ${name} (${id}), which nobody asked to stop, booted ${String(boots.length)} times: ${boots.map(life).join(', then ')}.`];
  if (boot.silentMs > countsWithinMs) return [`Guest ${name} (${id}), which nobody asked to stop, did not count for ${(boot.silentMs / 1000).toFixed(0)} s.`];
  const late = atMs - boot.lastMs;
  return late > countsWithinMs ? [`Guest ${name} (${id}), which nobody asked to stop, counts no more: ${String(boot.last)} was its last, ${(late / 1000).toFixed(0)} s ago.`] : [];
}

const life = ({ bootId, first, last }: Boot): string => `${bootId ?? 'unknown boot'} counted ${String(first)}–${String(last)}`;

/** All guests: RAM that was saved came back (the counter goes on), and none booted more often than it was started. */
export function lives(requests: readonly Request[], { guests, books }: Evidence): readonly string[] {
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
