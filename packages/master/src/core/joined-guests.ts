import type { Room, RunningInstance, SlaveView } from './snapshot';

/** What a view was made of, where that is one guest more. */
interface Joined {
  readonly before: SlaveView;
  readonly guest: RunningInstance;
}

const joins = new WeakMap<SlaveView, Joined>();

/** The slave once this guest, which is new there, was promised its room; in the order of ids, as a slave that is read anew. */
export function withGuest(view: SlaveView, guest: RunningInstance): SlaveView {
  const after = { ...view, promised: withNeed(view.promised, guest.need), running: inserted(view.running, guest, ({ id }) => id) };
  joins.set(after, { before: view, guest });
  return after;
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
  const guests: RunningInstance[] = [];
  for (let view = to; view !== from; ) {
    const joined = joins.get(view);
    if (joined === undefined) return null;
    guests.push(joined.guest);
    view = joined.before;
  }
  return guests.reverse();
}
