/** Paths that are taken only when something died, was lost or came twice; each is logged and counted under its name. */
export const recoveryPaths = [
  /** A report answered an older generation than the books have. */
  'stale-report-ignored',
  /**
   * A guarded change (`UPDATE … WHERE generation AND observed`) found that somebody else was faster, and wrote nothing. It is
   * reached where the instance is read without its lock and written later: somebody deletes or stops what waits between
   * the scheduler's look at the world and its commit; a report or a verb comes between the look and the write of the
   * job of deadlines or of ends, or of a slave that is taken for lost or comes back without the instance. Verbs and
   * reports among themselves never reach it: they lock the row first.
   */
  'lost-race',
  /** A request was sent again under its key, and its first answer given again by the process that gave it first. */
  'idempotent-replay',
  /** The same with an answer of a process before this one: its sender outlived a restart of the master. */
  'idempotent-replay-after-restart',
  /** A slave had not seen a tombstone, which was sent again. */
  'tombstone-repeated',
  /** A slave obeys a newer generation than the books know, and was taken on under a newer one still. */
  'adopted-newer-generation',
] as const;
export type RecoveryPath = (typeof recoveryPaths)[number];

/** Told of every recovery path that was taken, once what it did is written. Ids and names only, no secrets. */
export type OnRecovery = (path: RecoveryPath, fields: Readonly<Record<string, string | number>>) => void;
