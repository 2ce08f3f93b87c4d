import { ownLanguage } from '../language/spoken';

/** A number as the language of the page writes it, with at most so many decimals. */
export function tellNumber(value: number, most = 2): string {
  return new Intl.NumberFormat(ownLanguage(), { maximumFractionDigits: most }).format(value);
}

/** A priority or a score, with its two decimals: "9.12". */
export function tellScore(value: number): string {
  return new Intl.NumberFormat(ownLanguage(), { minimumFractionDigits: 2, maximumFractionDigits: 2 }).format(value);
}
