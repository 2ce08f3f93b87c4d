import { sleep, type Clock } from '@paravcl/shared/clock';
import type { Knex } from 'knex';
import { CommittedChanges } from '../repositories/committed-changes';
import { LaunchLedger } from '../repositories/launch-ledger';
import { makeRepositories, type Repositories } from '../repositories/repositories';
import { CalendarRuns, TransactionRun } from '../repositories/transaction-run';
import { isStorageFull, serverErrorNumber } from './connection';
import { StatementGroups } from './statement-groups';
import type { UnitOfWork } from './unit-of-work';

/** Deadlock and lock wait timeout: the server undid the work (or we do), and it may well succeed next time. */
const retriedErrors: ReadonlySet<number | null> = new Set([1213, 1205]);
const attempts = 10;
const pauseMs = 15;

/** The unit of work over MariaDB or MySQL. */
export class MysqlUnitOfWork implements UnitOfWork {
  readonly read: Repositories;
  readonly launches: LaunchLedger;
  private readonly calendarRuns = new CalendarRuns();

  constructor(
    private readonly db: Knex,
    private readonly clock: Clock,
    /** Told of transactions that found no room. */
    private readonly room: { refused(cause: unknown): Error } | null = null,
    /** Told of what was written, after the commit. */
    private readonly changes: CommittedChanges = new CommittedChanges(),
    /** The same database over connections that take several statements at once. */
    together: Knex = db,
  ) {
    this.read = makeRepositories(db, changes, this.calendarRuns);
    const groups = new StatementGroups(together);
    this.launches = new LaunchLedger((statements, note) => this.persist(() => this.follow((run, written) => {
      note(run.notes);
      written();
      return groups.transaction(statements);
    })));
  }

  transaction<T>(work: (repositories: Repositories) => Promise<T>): Promise<T> {
    return this.persist(() => this.follow((run, written) => this.db.transaction(async (transaction) => {
      const result = await work(makeRepositories(transaction, run.notes, this.calendarRuns, run));
      written();
      return result;
    })));
  }

  /** Tries again what was undone for the sake of another transaction. */
  private async persist<T>(run: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await run();
      } catch (error) {
        if (isStorageFull(error)) throw this.room?.refused(error) ?? error;
        if (attempt >= attempts || !retriedErrors.has(serverErrorNumber(error))) throw error;
        // Rising pauses let the other side of the deadlock finish first; of ten that met, none comes back with another.
        await sleep(this.clock, pauseMs * attempt * (0.5 + Math.random()));
      }
    }
  }

  /** Tells what a transaction wrote once it is over. `written` is called before its commit. */
  private async follow<T>(transaction: (run: TransactionRun, written: () => void) => Promise<T>): Promise<T> {
    const run = new TransactionRun();
    let [isWritten, isCommitted] = [false, false];
    try {
      const done = await transaction(run, () => (isWritten = true));
      isCommitted = true;
      return done;
    } finally {
      // Where the commit was not answered it may be there all the same: who hears of it looks.
      if (isWritten) this.changes.tell(run.written);
      this.calendarRuns.ended(run);
      run.ended(isCommitted);
    }
  }
}
