import fc from 'fast-check';
import { chooseMinutes, timeOfRun } from './instance-time';

const limits = { min: 60, max: 300, default: 120 };
const now = 1_700_000_000_000;
const minute = 60_000;

describe('the time a person asks for', () => {
  it('is the site’s default when nothing was said', () => {
    expect(chooseMinutes(undefined, limits, false)).toEqual({ kind: 'chosen', minutes: 120 });
    expect(chooseMinutes(undefined, limits, true)).toEqual({ kind: 'chosen', minutes: 120 });
  });

  it('of students and teachers is within the limits and never without end, and a refusal names them', () => {
    fc.assert(
      fc.property(fc.option(fc.integer({ min: 0, max: 1000 }), { nil: null }), (wished) => {
        const within = wished !== null && wished >= limits.min && wished <= limits.max;
        const chosen = chooseMinutes(wished, limits, false);
        if (within) expect(chosen).toEqual({ kind: 'chosen', minutes: wished });
        else expect(chosen).toMatchObject({ kind: 'refused', limit: '60 to 300 minutes', sentence: expect.stringContaining('60 to 300 min') as string });
      }),
    );
  });

  it('of operators and administrators is any, and none, but not 0', () => {
    for (const wished of [1, 100_000, null]) expect(chooseMinutes(wished, limits, true)).toEqual({ kind: 'chosen', minutes: wished });
    expect(chooseMinutes(0, limits, true)).toMatchObject({ kind: 'refused', limit: 'at least 1 minute' });
  });
});

describe('the time of a start or resume', () => {
  it('that was given begins now', () => {
    expect(timeOfRun({ minutes: 120, endsAt: now + minute }, 60, now)).toEqual({ minutes: 60, endsAt: now + 60 * minute });
    expect(timeOfRun({ minutes: 120, endsAt: now + minute }, null, now)).toEqual({ minutes: null, endsAt: null });
  });

  it('that was not given is what is left, or its minutes again', () => {
    expect(timeOfRun({ minutes: 120, endsAt: now + minute }, undefined, now)).toEqual({ minutes: 120, endsAt: now + minute });
    expect(timeOfRun({ minutes: 120, endsAt: now }, undefined, now)).toEqual({ minutes: 120, endsAt: now + 120 * minute });
    expect(timeOfRun({ minutes: 120, endsAt: null }, undefined, now)).toEqual({ minutes: 120, endsAt: now + 120 * minute });
    expect(timeOfRun({ minutes: null, endsAt: null }, undefined, now)).toEqual({ minutes: null, endsAt: null });
  });
});
