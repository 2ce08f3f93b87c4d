/** A whole number that somebody typed; undefined for nothing, NaN for what is none, which the master is not asked with. */
export function wholeNumber(text: string): number | undefined {
  const said = text.trim();
  if (said === '') return undefined;
  return /^\d{1,9}$/.test(said) ? Number(said) : Number.NaN;
}
