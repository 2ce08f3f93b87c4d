import { canMove, holdsComputeStates, observedMoves, observedStateSchema, transitionalStates } from './instance-state';

const states = observedStateSchema.options;

test('deletion is reachable from every state but deleted itself', () => {
  for (const state of states) expect(canMove(state, 'deleted')).toBe(state !== 'deleted');
});

test('no state moves to itself, and nothing leaves deleted', () => {
  for (const state of states) expect(observedMoves[state]).not.toContain(state);
  expect(observedMoves.deleted).toEqual([]);
});

test('every state but the first can be reached from requested', () => {
  const reached = new Set<string>(['requested']);
  for (let grew = true; grew; ) {
    grew = false;
    for (const from of states) {
      if (!reached.has(from)) continue;
      for (const to of observedMoves[from]) {
        if (!reached.has(to)) {
          reached.add(to);
          grew = true;
        }
      }
    }
  }
  expect([...reached].sort()).toEqual([...states].sort());
});

test('every transitional state can end in failure, so its deadline can be carried out', () => {
  const transitional = Object.keys(transitionalStates) as (keyof typeof transitionalStates)[];
  expect(transitional.length).toBeGreaterThan(4);
  for (const state of transitional) expect(canMove(state, 'failed')).toBe(true);
});

test('an instance that may be running holds its cores and RAM', () => {
  for (const state of ['running', 'booting', 'lost', 'stopping'] as const) expect(holdsComputeStates).toContain(state);
  for (const state of ['suspended', 'stopped', 'queued', 'deleted'] as const) expect(holdsComputeStates).not.toContain(state);
});
