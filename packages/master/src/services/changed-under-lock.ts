/** The row is locked, so nobody can have been faster: a fault of ours. */
export function changedUnderLock(id: string): Error {
  return new Error(`Instance ${id} changed under its lock.`);
}
