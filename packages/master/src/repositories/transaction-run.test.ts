import { CalendarRuns, TransactionRun } from './transaction-run';

/** Whether it has resolved, once everything that could happen has. */
async function hasResolved(promise: Promise<void>): Promise<boolean> {
  let resolved = false;
  void promise.then(() => (resolved = true));
  await new Promise(setImmediate);
  return resolved;
}

describe('transactions that have the calendar', () => {
  it('are waited for by who has it alone, until all that share it now have ended', async () => {
    const runs = new CalendarRuns();
    const [one, other] = [new TransactionRun(), new TransactionRun()];
    expect(await hasResolved(runs.sharersTold())).toBe(true);
    for (const run of [one, other]) runs.shared(run);
    const told = runs.sharersTold();
    end(runs, one);
    expect(await hasResolved(told)).toBe(false);
    end(runs, other);
    expect(await hasResolved(told)).toBe(true);
    expect(await hasResolved(runs.sharersTold())).toBe(true);
  });

  it('are waited for by who has read what they gave it, and by nobody who has read something else', async () => {
    const runs = new CalendarRuns();
    const run = new TransactionRun();
    runs.taken(run, 'its value');
    expect(await hasResolved(runs.told('an earlier value'))).toBe(true);
    expect(await hasResolved(runs.told(null))).toBe(true);
    const told = runs.told('its value');
    expect(await hasResolved(told)).toBe(false);
    end(runs, run);
    expect(await hasResolved(told)).toBe(true);
    expect(await hasResolved(runs.told('its value'))).toBe(true);
  });
});

function end(runs: CalendarRuns, run: TransactionRun): void {
  runs.ended(run);
  run.ended(true);
}
