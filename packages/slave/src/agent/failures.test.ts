import fc from 'fast-check';
import { failedAgain, finalReason, type Failure, type FailureCode } from './failures';
import { stepPolicies, type StepKind } from './steps';

const codes: readonly FailureCode[] = ['failed', 'timeout', 'unavailable', 'no-room', 'fetch-failed', 'network-down', 'hung', 'no-effect', 'state-full'];
const kinds = Object.keys(stepPolicies) as StepKind[];

/** How long a launch waits for a step that fails at once every time, until it is given up; null: never, in this many attempts. */
function patienceMs(kind: StepKind, code: FailureCode, most: number): number | null {
  let nowMs = 0;
  let failure: Failure | undefined;
  for (let attempt = 0; attempt < most; attempt += 1) {
    failure = failedAgain(failure, code, '', nowMs);
    if (finalReason(kind, failure) !== null) return nowMs;
    nowMs = failure.retryAtMs;
  }
  return null;
}

test('no failed step waits longer than ten seconds for its next try, however often it failed', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...codes), { minLength: 1, maxLength: 100 }), fc.nat(), (each, nowMs) => {
      let failure: Failure | undefined;
      for (const code of each) failure = failedAgain(failure, code, '', nowMs);
      const waitMs = (failure?.retryAtMs ?? 0) - nowMs;
      expect(waitMs).toBeGreaterThanOrEqual(500);
      expect(waitMs).toBeLessThanOrEqual(10_000);
    }),
  );
});

test.each<[StepKind, FailureCode, number, number]>([
  ['fetch-image', 'fetch-failed', 9, 11],
  ['start', 'network-down', 9, 11],
  ['define', 'unavailable', 1, 2],
])('a launch bears %s failing with %s for %d to %d minutes', (kind, code, least, most) => {
  const patience = patienceMs(kind, code, 1000) ?? Infinity;
  expect(patience).toBeGreaterThanOrEqual(least * 60_000);
  expect(patience).toBeLessThanOrEqual(most * 60_000);
});

test('want of room in the journal ends no launch', () => {
  for (const kind of kinds) expect(patienceMs(kind, 'state-full', 5000)).toBeNull();
});
