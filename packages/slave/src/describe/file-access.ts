/** A user as the kernel sees one. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  /** Primary and supplementary groups. */
  readonly gids: readonly number[];
}

/** What of `fs.Stats` decides who may do what. */
export interface Ownership {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

export type Right = 'read' | 'write' | 'traverse';
const bits: Readonly<Record<Right, number>> = { read: 4, write: 2, traverse: 1 };

/**
 * Whether `account` has all `rights` on a file by owner, group and other bits (path_resolution(7)): the
 * first class that matches decides alone. Access control lists are not looked at; where there is one,
 * the group bits show its mask, which is an upper bound.
 */
export function isAllowed(account: Account, file: Ownership, rights: readonly Right[]): boolean {
  if (account.uid === 0) return true;
  const shift = account.uid === file.uid ? 6 : account.gids.includes(file.gid) ? 3 : 0;
  const granted = (file.mode >> shift) & 7;
  return rights.every((right) => (granted & bits[right]) !== 0);
}
