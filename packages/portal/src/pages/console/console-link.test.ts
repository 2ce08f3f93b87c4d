import { consoleCloseCodes } from '@paravcl/shared/api/sockets';
import { nextLink, type LinkContext, type LinkEvent, type LinkState } from './console-link';

const at = (nowMs: number, { chance = 0.5, runs = true }: Partial<LinkContext> = {}): LinkContext => ({ nowMs, chance, runs });
/** Of a machine that runs, unless it is said to stand with the event. */
const after = (events: readonly (readonly [nowMs: number, event: LinkEvent, stands?: 'stands'])[], start: LinkState = { at: 'idle' }): LinkState =>
  events.reduce((state, [nowMs, event, stands]) => nextLink(state, event, at(nowMs, { runs: stands === undefined })), start);
const machine: LinkEvent = { type: 'machine' };
const opened: LinkEvent = { type: 'opened' };
const closed = (code: number, reason = ''): LinkEvent => ({ type: 'closed', code, reason });

describe('the link to a console', () => {
  it('waits while the machine does not run, and connects when it does', () => {
    expect(after([[0, machine, 'stands']])).toEqual({ at: 'idle' });
    expect(after([[0, machine]])).toEqual({ at: 'connecting', failures: 0 });
    expect(after([[0, machine], [5, opened]])).toEqual({ at: 'open', failures: 0, sinceMs: 5 });
  });

  it('comes back after a lost connection with pauses that rise up to 15 s', () => {
    let state: LinkState = { at: 'connecting', failures: 0 };
    const pauses: number[] = [];
    for (let round = 0; round < 9; round += 1) {
      state = nextLink(state, closed(1006), at(1000));
      if (state.at !== 'pausing') throw new Error(`It is ${state.at}.`);
      expect(state.why).toEqual({ kind: 'lost' });
      pauses.push(state.untilMs - 1000);
      state = nextLink(state, { type: 'dial' }, at(1000));
    }
    expect(pauses).toEqual([500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000, 15_000]);
  });

  it('spreads the pauses of many by half to one and a half', () => {
    const state: LinkState = { at: 'connecting', failures: 2 };
    expect(nextLink(state, closed(1012), at(0, { chance: 0 }))).toMatchObject({ untilMs: 1000 });
    expect(nextLink(state, closed(1012), at(0, { chance: 1 }))).toMatchObject({ untilMs: 3000 });
  });

  it('begins with a short pause again after one that was open for 10 s, not after one that closed at once', () => {
    const open: LinkState = { at: 'open', failures: 4, sinceMs: 0 };
    expect(nextLink(open, closed(1006), at(10_000))).toMatchObject({ at: 'pausing', failures: 1, untilMs: 10_500 });
    expect(nextLink(open, closed(1006), at(9_999))).toMatchObject({ at: 'pausing', failures: 5, untilMs: 17_999 });
  });

  it.each([[1012], [1013], [1001], [1006], [1000], [consoleCloseCodes.unknownTicket]])('tries again when it is closed with %d', (code) => {
    expect(after([[0, machine], [1, opened], [2, closed(code, 'Restarting.')]])).toMatchObject({ at: 'pausing', why: { kind: 'said', sentence: 'Restarting.' } });
  });

  it('waits for the machine when it ended there, at least a second before it asks again', () => {
    const ended = after([[0, machine], [1, opened], [20_000, closed(consoleCloseCodes.ended, 'It was saved.')]]);
    expect(ended).toMatchObject({ at: 'pausing', untilMs: 21_000 });
    expect(nextLink(ended, machine, at(20_100, { runs: false }))).toEqual({ at: 'idle' });
  });

  it.each([['revoked', 'alice ended it.'], ['limit', '400 are connected, as many as this site allows.']] as const)('says the sentence of %s and stays so until somebody tries again', (name, sentence) => {
    const refused = after([[0, machine], [1, closed(consoleCloseCodes[name], sentence)]]);
    expect(refused).toEqual({ at: 'refused', sentence });
    expect(nextLink(refused, machine, at(2))).toBe(refused);
    expect(nextLink(refused, machine, at(2, { runs: false }))).toBe(refused);
    expect(nextLink(refused, { type: 'dial' }, at(3))).toEqual({ at: 'connecting', failures: 0 });
  });

  it('ends with the session until somebody tries again, who may have logged in in another tab', () => {
    const ended = after([[0, machine], [1, opened], [2, closed(consoleCloseCodes.loggedOut, 'Your session has ended.')]]);
    expect(ended).toEqual({ at: 'loggedOut' });
    expect(after([[3, machine], [4, { type: 'offline' }], [5, { type: 'unusable', sentence: null }]], ended)).toBe(ended);
    expect(nextLink(ended, { type: 'dial' }, at(6))).toEqual({ at: 'connecting', failures: 0 });
    expect(nextLink(ended, { type: 'dial' }, at(6, { runs: false }))).toEqual({ at: 'idle' });
    expect(after([[0, machine], [1, { type: 'noTicket', status: 401, sentence: 'Log in.' }]])).toEqual({ at: 'loggedOut' });
  });

  it.each([[403], [404]])('is refused when the ticket is, with %d', (status) => {
    expect(after([[0, machine], [1, { type: 'noTicket', status, sentence: 'You may not.' }]])).toEqual({ at: 'refused', sentence: 'You may not.' });
  });

  it('asks for a ticket again after 409, 503 and no answer, not before the master says', () => {
    for (const status of [0, 409, 503]) expect(after([[0, machine], [0, { type: 'noTicket', status, sentence: 'Not yet.' }]])).toMatchObject({ at: 'pausing', untilMs: 500, why: { sentence: 'Not yet.' } });
    expect(after([[0, machine], [0, { type: 'noTicket', status: 429, sentence: 'Too many.', retryAfterSeconds: 7 }]])).toMatchObject({ at: 'pausing', untilMs: 7000 });
  });

  it('does not ask for a machine that is known to stand', () => {
    expect(after([[0, machine], [1, opened], [2, machine, 'stands'], [3, closed(consoleCloseCodes.ended), 'stands']])).toEqual({ at: 'idle' });
    expect(after([[0, machine], [1, closed(consoleCloseCodes.revoked, 'No.')], [2, { type: 'dial' }, 'stands']])).toEqual({ at: 'idle' });
  });

  it('keeps what is open while the machine is being saved, and gives up dialling one that stands', () => {
    const open = after([[0, machine], [1, opened]]);
    expect(nextLink(open, machine, at(2, { runs: false }))).toBe(open);
    expect(after([[0, machine], [1, machine, 'stands']])).toEqual({ at: 'idle' });
  });

  it('says that the browser has no network, and dials when it is back', () => {
    const offline = after([[0, machine], [1, opened], [20_000, { type: 'offline' }]]);
    expect(offline).toMatchObject({ at: 'pausing', why: { kind: 'offline' } });
    expect(nextLink(offline, { type: 'dial' }, at(20_001))).toEqual({ at: 'connecting', failures: 1 });
  });

  it('hears nothing of a connection that it has given up', () => {
    expect(after([[0, machine], [1, machine, 'stands'], [2, opened], [3, closed(1006)]])).toEqual({ at: 'idle' });
  });

  it('stops when what comes cannot be used', () => {
    expect(after([[0, machine], [1, opened], [2, { type: 'unusable', sentence: null }]])).toEqual({ at: 'refused', sentence: null });
  });
});
