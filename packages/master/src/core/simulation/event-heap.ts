import type { EpochMs } from '@paravcl/shared/clock';

/** What happens; `quiet` when it gives the scheduler nothing to decide. */
export type Happening = () => 'quiet' | undefined;

interface Event {
  readonly at: EpochMs;
  /** Of one moment the first that was put in comes first. */
  readonly order: number;
  readonly happen: Happening;
}

const before = (a: Event, b: Event): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

/** What is to happen, nearest first: a binary heap, in which the children of node n are 2n + 1 and 2n + 2. */
export class EventHeap {
  private readonly events: Event[] = [];
  private added = 0;

  get nextAt(): EpochMs | null {
    return this.events[0]?.at ?? null;
  }

  add(at: EpochMs, happen: Happening): void {
    const event: Event = { at, order: this.added++, happen };
    const { events } = this;
    let node = events.length;
    events.push(event);
    while (node > 0) {
      const parent = (node - 1) >>> 1;
      const above = events[parent] as Event;
      if (!before(event, above)) break;
      events[node] = above;
      node = parent;
    }
    events[node] = event;
  }

  /** Takes out what comes next; null when nothing does. */
  take(): Happening | null {
    const { events } = this;
    const first = events[0];
    const last = events.pop();
    if (first === undefined || last === undefined) return null;
    if (events.length > 0) this.sinkFromTop(last);
    return first.happen;
  }

  private sinkFromTop(event: Event): void {
    const { events } = this;
    let node = 0;
    for (;;) {
      let child = 2 * node + 1;
      if (child >= events.length) break;
      if (child + 1 < events.length && before(events[child + 1] as Event, events[child] as Event)) child++;
      const below = events[child] as Event;
      if (!before(below, event)) break;
      events[node] = below;
      node = child;
    }
    events[node] = event;
  }
}
