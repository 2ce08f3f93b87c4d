import { wrongUsage } from '../errors/refusal';

/** How many of a list: `--limit`, all where it is not said. */
export function manyOf(limit: string | undefined): { readonly most?: number } {
  return limit === undefined ? {} : { most: wholeNumber(limit, '--limit') };
}

/** A whole number of at least 1. Throws Refusal. */
export function wholeNumber(text: string, option: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw wrongUsage(`${option} takes a whole number of at least 1, not "${text}".`);
  return Number(text);
}
