const pad = (number: number): string => String(number).padStart(2, '0');

/** A moment as a field of type `datetime-local` has it, in the browser's own time; empty for none. */
export function typedOf(iso: string | null): string {
  const at = new Date(iso ?? Number.NaN);
  if (Number.isNaN(at.getTime())) return '';
  return `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}T${pad(at.getHours())}:${pad(at.getMinutes())}`;
}

/** What was typed there as a moment; empty for what is none. */
export function momentOf(typed: string): string {
  const at = new Date(typed);
  return typed === '' || Number.isNaN(at.getTime()) ? '' : at.toISOString();
}
