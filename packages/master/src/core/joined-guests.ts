import type { Room, RunningInstance, SlaveView } from './snapshot';

/** How a view came to be: the guest that joined last, and how the view before it did; of one that none joined, which. It keeps no view of then in memory. */
interface Lineage {
  readonly guest: RunningInstance | null;
  readonly before: Lineage | null;
}

const lineages = new WeakMap<SlaveView, Lineage>();

/** The slave once this guest, which is new there, was promised its room; in the order of ids, as a slave that is read anew. */
export function withGuest(view: SlaveView, guest: RunningInstance): SlaveView {
  const after = { ...view, promised: withNeed(view.promised, guest.need), running: inserted(view.running, guest, ({ id }) => id) };
  lineages.set(after, { guest, before: lineageOf(view) });
  return after;
}

function lineageOf(view: SlaveView): Lineage {
  const known = lineages.get(view);
  if (known !== undefined) return known;
  const own = { guest: null, before: null };
  lineages.set(view, own);
  return own;
}

/** What is promised has no speed: that was asked when it was. */
function withNeed(promised: Room, { vcpus, ramMiB, diskMiB, bandwidthMbps }: Room): Room {
  return { vcpus: promised.vcpus + vcpus, ramMiB: promised.ramMiB + ramMiB, diskMiB: promised.diskMiB + diskMiB, bandwidthMbps: promised.bandwidthMbps + bandwidthMbps };
}

/** With this one too, in the order of ids: mostly it is the newest. */
export function inserted<T>(items: readonly T[], item: T, idOf: (item: T) => string): readonly T[] {
  let place = items.length;
  while (place > 0 && idOf(items[place - 1] as T) > idOf(item)) place--;
  return place === items.length ? [...items, item] : items.toSpliced(place, 0, item);
}

/** The guests by which `to` came to be from `from`, first come first; null when something else was changed, too. */
export function joinedSince(from: SlaveView, to: SlaveView): readonly RunningInstance[] | null {
  if (from === to) return [];
  const origin = lineages.get(from);
  const guests: RunningInstance[] = [];
  for (let now = lineages.get(to); now !== origin; now = now.before ?? undefined) {
    if (now?.guest == null) return null;
    guests.push(now.guest);
  }
  return origin === undefined ? null : guests.reverse();
}
