import type { IParser } from '@xterm/xterm';

/** What a guest asks a terminal: its kind, its state and cursor, whether a mode is set, how something is set. */
const questions = [{ final: 'c' }, { prefix: '>', final: 'c' }, { final: 'n' }, { prefix: '?', final: 'n' }, { intermediates: '$', final: 'p' }, { prefix: '?', intermediates: '$', final: 'p' }] as const;
/** Colours, which are set and asked for by the same sequences. */
const colours = [4, 10, 11, 12] as const;
/** To be told of the focus; one is told at once how it stands. */
const focusMode = 1004;

/**
 * Has a terminal leave a guest's questions unanswered while `when` says so. What was printed before one came is shown again, questions
 * and all: whoever asked them is long gone, and the answers would be typed into what runs there now.
 */
export function leaveUnanswered(parser: IParser, when: () => boolean): void {
  for (const identifier of questions) parser.registerCsiHandler(identifier, when);
  parser.registerCsiHandler({ prefix: '?', final: 'h' }, (params) => when() && params.length === 1 && params[0] === focusMode);
  for (const colour of colours) parser.registerOscHandler(colour, (data) => when() && data.includes('?'));
  parser.registerDcsHandler({ intermediates: '$', final: 'q' }, when);
}
