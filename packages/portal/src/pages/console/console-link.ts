import { consoleCloseCodes } from '@paravcl/shared/api/sockets';

/** Why there is no console just now: in the master's own words, or what the browser noticed. */
export type Why = { readonly kind: 'said'; readonly sentence: string } | { readonly kind: 'lost' | 'offline' };

/**
 * How the console of a machine stands:
 *
 *   idle → connecting → open → pausing → connecting …   `failures` in a row make the pauses longer
 *   refused: the master says no, and it stays so until the person tries again
 *   loggedOut: the session has ended; who logged in anew in another tab tries again
 *
 * `idle` is while the machine does not run. Whoever looks at one that runs again is connected again by itself.
 */
export type LinkState =
  | { readonly at: 'idle' }
  | { readonly at: 'connecting'; readonly failures: number }
  | { readonly at: 'open'; readonly failures: number; readonly sinceMs: number }
  | { readonly at: 'pausing'; readonly failures: number; readonly untilMs: number; readonly why: Why }
  | { readonly at: 'refused'; readonly sentence: string | null }
  | { readonly at: 'loggedOut' };

export type LinkEvent =
  /** Whether the machine runs was read. */
  | { readonly type: 'machine' }
  | { readonly type: 'opened' }
  | { readonly type: 'closed'; readonly code: number; readonly reason: string }
  /** No ticket was given; `status` 0: the master could not be reached. */
  | { readonly type: 'noTicket'; readonly status: number; readonly sentence: string; readonly retryAfterSeconds?: number | undefined }
  /** What came is not what this console speaks. */
  | { readonly type: 'unusable'; readonly sentence: string | null }
  /** The browser has no network. */
  | { readonly type: 'offline' }
  /** The pause is over, or the person, or the network that is back, asks for it now. */
  | { readonly type: 'dial' };

const firstPauseMs = 500;
const longestPauseMs = 15_000;
/** One that was open for so long was no failure: the next pause is short again. */
const steadyMs = 10_000;

export interface LinkContext {
  readonly nowMs: number;
  /** 0 to 1: spreads the pauses, so that a whole class does not come back in one moment. */
  readonly chance: number;
  /** The machine runs, as far as is known. */
  readonly runs: boolean;
}

/** What follows from an event. A state that an event changes nothing of is returned as it is. */
export function nextLink(state: LinkState, event: LinkEvent, context: LinkContext): LinkState {
  if (state.at === 'loggedOut' && event.type !== 'dial') return state;
  const next = after(state, event, context);
  // What is open stays until the master closes it: the guest's last words and its picture are still to be seen.
  return !context.runs && (next.at === 'connecting' || next.at === 'pausing') ? { at: 'idle' } : next;
}

function after(state: LinkState, event: LinkEvent, { nowMs, chance, runs }: LinkContext): LinkState {
  const pause = (why: Why, leastMs = 0): LinkState => {
    const before = state.at === 'open' && nowMs - state.sinceMs >= steadyMs ? 0 : 'failures' in state ? state.failures : 0;
    const pauseMs = Math.max(leastMs, Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(before, 6)) * (0.5 + chance));
    return { at: 'pausing', failures: before + 1, untilMs: nowMs + pauseMs, why };
  };
  switch (event.type) {
    case 'machine':
      return runs && state.at === 'idle' ? { at: 'connecting', failures: 0 } : state;
    case 'opened':
      return state.at === 'connecting' ? { at: 'open', failures: state.failures, sinceMs: nowMs } : state;
    case 'closed':
      if (state.at !== 'open' && state.at !== 'connecting') return state;
      return closed(event, pause);
    case 'noTicket': {
      if (state.at !== 'connecting') return state;
      const { status, sentence, retryAfterSeconds } = event;
      if (status === 401) return { at: 'loggedOut' };
      if (status === 403 || status === 404) return { at: 'refused', sentence };
      return pause({ kind: 'said', sentence }, (retryAfterSeconds ?? 0) * 1000);
    }
    case 'unusable':
      return { at: 'refused', sentence: event.sentence };
    case 'offline':
      return state.at === 'open' || state.at === 'connecting' ? pause({ kind: 'offline' }) : state;
    case 'dial':
      if (state.at === 'pausing') return { at: 'connecting', failures: state.failures };
      return state.at === 'refused' || state.at === 'loggedOut' ? { at: 'connecting', failures: 0 } : state;
  }
}

function closed({ code, reason }: { readonly code: number; readonly reason: string }, pause: (why: Why, leastMs?: number) => LinkState): LinkState {
  const why: Why = reason === '' ? { kind: 'lost' } : { kind: 'said', sentence: reason };
  switch (code) {
    case consoleCloseCodes.loggedOut:
      return { at: 'loggedOut' };
    case consoleCloseCodes.revoked:
    case consoleCloseCodes.limit:
      return { at: 'refused', sentence: reason === '' ? null : reason };
    case consoleCloseCodes.ended:
      // The machine's state follows in a moment, and says more.
      return pause(why, 1000);
    default:
      return pause(why);
  }
}
