import { stageOf } from './stage';

const idle = { at: 'idle' } as const;
const reason = { code: 'Recalled', sentence: 'Saved at 13:58 because CL II’s reservation began.' } as const;

describe('what stands in the place of a console', () => {
  it('is nothing while it is shown, whatever the machine is said to be', () => {
    expect(stageOf({ at: 'open', failures: 0, sinceMs: 0 }, { observed: 'suspending', desired: 'suspended', reason: null })).toBeNull();
  });

  it('is the way back of a machine that is saved or off', () => {
    expect(stageOf(idle, { observed: 'suspended', desired: 'suspended', reason })).toMatchObject({ words: 'suspended', action: 'resume', said: reason.sentence });
    expect(stageOf(idle, { observed: 'stopped', desired: 'stopped', reason: null })).toMatchObject({ words: 'stopped', action: 'start', said: null });
    expect(stageOf(idle, { observed: 'failed', desired: 'running', reason })).toMatchObject({ tone: 'trouble', action: 'start' });
  });

  it('is no button where it goes on by itself', () => {
    for (const observed of ['queued', 'preparing', 'resuming', 'relocating', 'lost'] as const) expect(stageOf(idle, { observed, desired: 'running', reason })).toMatchObject({ action: null, said: reason.sentence });
    expect(stageOf(idle, { observed: 'suspended', desired: 'running', reason })).toMatchObject({ words: 'waitsToResume', action: null });
  });

  it('is why it was lost and when it is tried again', () => {
    const running = { observed: 'running', desired: 'running', reason: null } as const;
    expect(stageOf({ at: 'pausing', failures: 1, untilMs: 7, why: { kind: 'lost' } }, running)).toEqual({ words: 'lost', tone: 'trouble', said: null, action: 'tryNow', againAtMs: 7 });
    expect(stageOf({ at: 'pausing', failures: 1, untilMs: 7, why: { kind: 'offline' } }, running)).toMatchObject({ words: 'offline' });
    expect(stageOf({ at: 'loggedOut' }, running)).toMatchObject({ words: 'loggedOut', action: 'tryNow' });
    expect(stageOf({ at: 'refused', sentence: 'alice ended it.' }, running)).toMatchObject({ said: 'alice ended it.', action: 'tryNow' });
  });
});
