import { hourMs, momentOf, wallAt } from '../../states/zone-time';

/** A moment as a field of type `datetime-local` has it, on the wall of the zone; empty for none. */
export function typedOf(iso: string | null, timeZone: string): string {
  const at = Date.parse(iso ?? '');
  if (Number.isNaN(at)) return '';
  const { date, time } = wallAt(at, timeZone);
  return `${date}T${time}`;
}

/** What was typed there as a moment; empty for what is none. In the hour that spring leaves out it is that much later. */
export function momentTyped(typed: string, timeZone: string): string {
  const wall = Date.parse(`${typed}Z`);
  if (Number.isNaN(wall)) return '';
  const at = onWall(wall, timeZone) ?? onWall(wall + hourMs, timeZone);
  return at === null ? '' : new Date(at).toISOString();
}

function onWall(wall: number, timeZone: string): number | null {
  const text = new Date(wall).toISOString();
  return momentOf({ date: text.slice(0, 10), time: text.slice(11, 16) }, timeZone);
}
