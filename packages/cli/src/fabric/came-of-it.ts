import type { BroughtUp } from './bring-up';

/** What is there after a run in which something failed, and what is not: a line for each kind, and one for each failure. */
export function cameOfIt({ machines, images, types, failed }: BroughtUp): { readonly there: readonly string[]; readonly notThere: readonly string[] } {
  const installed = machines.filter(({ state }) => state === 'succeeded').map(({ name, address }) => name ?? address);
  const list = (names: readonly string[]): string => (names.length === 0 ? 'none' : names.join(', '));
  return {
    there: [`machines that are there: ${list(installed)}`, `images that are there: ${list(images.map(({ name }) => name))}`, `types that are there: ${list(types.map(({ name }) => name))}`],
    notThere: failed.map((sentence) => `not there: ${sentence}`),
  };
}
