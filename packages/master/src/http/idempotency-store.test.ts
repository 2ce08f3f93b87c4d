import fc from 'fast-check';
import { ParavclError } from '@paravcl/shared/errors';
import type { Begun } from '../repositories/idempotency-repository';
import type { RecoveryPath } from '../services/recovery-paths';
import { atMostOnce } from './idempotency';
import { idempotencyStore } from './idempotency-store';

const clock = { now: () => 0, monotonicMs: () => 0, after: () => () => undefined };

/** The rows as the database keeps them; every statement takes a turn of the scheduler, so that callers interleave. */
class Rows {
  private row: { readonly hash: string; readonly subjectId: string; readonly begunAt: number; status: number | null; answer: string } | null = null;
  private subjects = 0;
  constructor(private readonly turn: <T>(statement: () => T) => Promise<T>) {}

  begin(_userId: string, _key: string, hash: string, begunAt: number): Promise<Begun> {
    return this.turn(() => {
      if (this.row !== null) return this.seen(hash) ?? { kind: 'mismatch' };
      this.row = { hash, subjectId: `subject-${++this.subjects}`, begunAt, status: null, answer: '' };
      return { kind: 'first', subjectId: this.row.subjectId };
    });
  }
  look(_userId: string, _key: string, hash: string): Promise<Exclude<Begun, { kind: 'first' }> | null> {
    return this.turn(() => this.seen(hash));
  }
  finish(_userId: string, _key: string, subjectId: string, status: number, answer: string): Promise<void> {
    return this.turn(() => {
      if (this.row?.subjectId === subjectId) Object.assign(this.row, { status, answer });
    });
  }
  forget(_userId: string, _key: string, subjectId: string): Promise<void> {
    return this.turn(() => {
      if (this.row?.subjectId === subjectId) this.row = null;
    });
  }
  /** What a master that was killed leaves behind. */
  leaveRunning(hash: string): void {
    this.row = { hash, subjectId: 'subject-of-the-dead', begunAt: -1, status: null, answer: '' };
  }
  private seen(hash: string): Exclude<Begun, { kind: 'first' }> | null {
    if (this.row === null) return null;
    if (this.row.hash !== hash) return { kind: 'mismatch' };
    return this.row.status === null ? { kind: 'running', subjectId: this.row.subjectId } : { kind: 'answered', status: this.row.status, answer: this.row.answer, begunAt: this.row.begunAt };
  }
}

const request = { userId: 'alice', key: 'k', requestHash: 'hash' };

test('of any number of callers of one key, refused or not, around a crash or not, the work is done once and its answer kept', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.array(fc.boolean(), { minLength: 2, maxLength: 4 }), fc.boolean(), async (scheduler, refusals, afterCrash) => {
      let turns = 0;
      const rows = new Rows((statement) => scheduler.schedule(Promise.resolve(), `statement ${++turns}`).then(statement));
      if (afterCrash) rows.leaveRunning('hash');
      const store = idempotencyStore(rows, clock);
      const made: string[] = [];
      const work = (refused: boolean) => async (subjectId: string) => {
        await scheduler.schedule(Promise.resolve(), 'work');
        if (refused) throw new ParavclError('conflict', 'Not now.');
        made.push(subjectId);
        return { status: 201, body: subjectId, headers: {} };
      };
      const asked = refusals.map((refused) => atMostOnce(store, request, work(refused)).catch((error: unknown) => error));
      await scheduler.waitFor(Promise.all(asked));
      expect(made.length).toBeLessThanOrEqual(1);
      const doneBefore = made.length === 1;
      const again = await scheduler.waitFor(atMostOnce(store, request, work(false)));
      expect(again).toMatchObject({ body: made[0], repeated: doneBefore });
      expect(made).toHaveLength(1);
    }),
    { numRuns: 300 },
  );
});

test('an answer that is given again is counted, and reads as it was first', async () => {
  const counted: RecoveryPath[] = [];
  const rows = new Rows((statement) => Promise.resolve().then(statement));
  const store = idempotencyStore(rows, clock, (path) => counted.push(path));
  const work = (subjectId: string) => Promise.resolve({ status: 201, body: subjectId, headers: { Location: '/x' } });
  const first = await atMostOnce(store, request, work);
  expect(counted).toEqual([]);
  expect(await atMostOnce(store, request, work)).toEqual({ ...first, repeated: true });
  expect(counted).toEqual(['idempotent-replay']);
});

test('an answer of a process before this one is counted as such; what this one took over and did is its own', async () => {
  const work = (subjectId: string) => Promise.resolve({ status: 201, body: subjectId, headers: {} });
  const counted: RecoveryPath[] = [];
  const storeAt = (rows: Rows, now: number) => idempotencyStore(rows, { ...clock, now: () => now }, (path) => counted.push(path));
  const rows = new Rows((statement) => Promise.resolve().then(statement));
  await atMostOnce(storeAt(rows, 1_000), request, work);
  expect(await atMostOnce(storeAt(rows, 2_000), request, work)).toMatchObject({ repeated: true });
  expect(counted).toEqual(['idempotent-replay-after-restart']);

  const left = new Rows((statement) => Promise.resolve().then(statement));
  left.leaveRunning('hash');
  const store = storeAt(left, 1_000);
  for (const repeated of [false, true]) expect(await atMostOnce(store, request, work)).toMatchObject({ repeated });
  expect(counted.slice(1)).toEqual(['idempotent-replay']);
});
