import { realStayMs, type StateChange } from './real-stay';

const at = (minute: number, to: StateChange['to']): StateChange => ({ at: minute * 60_000, to });
const minutes = (changes: readonly StateChange[], from = 0, until = 600, waits = false): number | null => {
  const ms = realStayMs(changes, from * 60_000, until * 60_000, waits);
  return ms === null ? null : ms / 60_000;
};

describe('the time a person really had a machine', () => {
  const launched = [at(0, 'requested'), at(5, 'queued'), at(10, 'preparing'), at(12, 'booting'), at(13, 'running')];

  it('counts from its placement until it was given back', () => {
    expect(minutes([...launched, at(70, 'stopping'), at(71, 'deleted')])).toBe(60);
  });

  it('counts nothing of the time for which others had it saved', () => {
    expect(minutes([...launched, at(30, 'suspending'), at(31, 'suspended'), at(90, 'resuming'), at(91, 'running'), at(100, 'deleted')])).toBe(20 + 10);
  });

  it('counts only what lies in the time that is looked at', () => {
    expect(minutes([...launched, at(70, 'deleted')], 40)).toBe(30);
    expect(minutes([...launched, at(70, 'deleted')], 80)).toBe(0);
    expect(minutes([...launched, at(70, 'deleted')], 0, 50)).toBeNull();
  });

  it('is known of nobody who runs or waits on', () => {
    expect(minutes(launched)).toBeNull();
    const saved = [...launched, at(30, 'suspending'), at(31, 'suspended')];
    expect(minutes(saved, 0, 600, true)).toBeNull();
    // Saved by its person, or since its time was over.
    expect(minutes(saved)).toBe(20);
    expect(minutes([])).toBeNull();
  });

  it('is nothing for who gave up before it ran', () => {
    expect(minutes([at(0, 'requested'), at(5, 'queued'), at(30, 'deleted')])).toBe(0);
  });
});
