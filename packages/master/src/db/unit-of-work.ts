import type { LaunchLedger } from '../repositories/launch-ledger';
import type { Repositories } from '../repositories/repositories';

/** The only way services reach the database. */
export interface UnitOfWork {
  /** Repositories outside a transaction, for reads. */
  readonly read: Repositories;
  /** For launches that are written together. */
  readonly launches: LaunchLedger;
  /**
   * Runs `work` in one READ COMMITTED transaction and commits. A deadlock or lock timeout is retried a
   * few times with the whole of `work`, so `work` must have no effect outside the database.
   */
  transaction<T>(work: (repositories: Repositories) => Promise<T>): Promise<T>;
}
