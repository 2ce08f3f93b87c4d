/** Paths that are taken only when something died, was lost or came twice; each is logged and counted under its name. */
export const recoveryPaths = [
  /** A report answered an older generation than the books have. */
  'stale-report-ignored',
  /** A guarded change found that somebody else was faster, and wrote nothing. */
  'lost-race',
  /** A request was sent again under its key, and its first answer given again. */
  'idempotent-replay',
  /** A slave had not seen a tombstone, which was sent again. */
  'tombstone-repeated',
  /** A slave obeys a newer generation than the books know, and was taken on under a newer one still. */
  'adopted-newer-generation',
] as const;
export type RecoveryPath = (typeof recoveryPaths)[number];

/** Told of every recovery path that was taken, once what it did is written. Ids and names only, no secrets. */
export type OnRecovery = (path: RecoveryPath, fields: Readonly<Record<string, string | number>>) => void;
