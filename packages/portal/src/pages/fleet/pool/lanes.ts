import type { PoolItem } from '@paravcl/shared/api/pool';

/** Where an item lies in the time that is shown, in percent of its width. */
export interface Placed {
  readonly item: PoolItem;
  readonly start: number;
  readonly width: number;
}

/**
 * Items in as few lanes as hold them side by side, each in the first lane that is free at its start. Those without end reach to
 * the end; what lies outside of the time that is shown is left out.
 */
export function lanesOf(items: readonly PoolItem[], from: string, to: string): readonly (readonly Placed[])[] {
  const [fromMs, toMs] = [Date.parse(from), Date.parse(to)];
  const percent = (ms: number): number => (100 * (Math.min(Math.max(ms, fromMs), toMs) - fromMs)) / (toMs - fromMs);
  const inOrder = [...items].sort((a, b) => Date.parse(a.start) - Date.parse(b.start) || a.id.localeCompare(b.id));
  const lanes: { placed: readonly Placed[]; end: number }[] = [];
  for (const item of inOrder) {
    const start = percent(Date.parse(item.start));
    const end = item.end === null ? 100 : percent(Date.parse(item.end));
    if (end <= start) continue;
    const placed = { item, start, width: end - start };
    const lane = lanes.find((each) => each.end <= start);
    if (lane === undefined) lanes.push({ placed: [placed], end });
    else {
      lane.placed = [...lane.placed, placed];
      lane.end = end;
    }
  }
  return lanes.map(({ placed }) => placed);
}

/** So many moments from the first to the last, evenly. */
export function ticksOf(from: string, to: string, count: number): readonly string[] {
  const [fromMs, toMs] = [Date.parse(from), Date.parse(to)];
  return Array.from({ length: count }, (_each, at) => new Date(fromMs + ((toMs - fromMs) * at) / (count - 1)).toISOString());
}
