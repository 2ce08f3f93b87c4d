import type { ObservedState } from '@paravcl/shared/domain/instance-state';
import type { World } from '../world';
import type { Colour } from './colours';
import type { Cell } from './table';

interface Look {
  readonly word: string;
  readonly shape: string;
  /** Where only ASCII is understood. */
  readonly plain: string;
  readonly colour: Colour;
}

const underWay = (word: string): Look => ({ word, shape: '◔', plain: '~', colour: 'blue' });
const off = (word: string): Look => ({ word, shape: '○', plain: 'o', colour: 'dim' });

/** The portal's words. */
const looks: Readonly<Record<ObservedState, Look>> = {
  requested: { word: 'requested', shape: '…', plain: '.', colour: 'dim' },
  queued: { word: 'waiting', shape: '…', plain: '.', colour: 'yellow' },
  preparing: underWay('preparing'),
  booting: underWay('booting'),
  running: { word: 'running', shape: '●', plain: '*', colour: 'green' },
  suspending: underWay('being saved'),
  suspended: { word: 'saved', shape: '‖', plain: '=', colour: 'magenta' },
  resuming: underWay('resuming'),
  stopping: underWay('stopping'),
  stopped: off('off'),
  relocating: underWay('moving'),
  failed: { word: 'failed', shape: '✗', plain: '!', colour: 'red' },
  lost: { word: 'out of reach', shape: '?', plain: '?', colour: 'red' },
  deleted: off('deleted'),
};

/** A state: a shape, a word and a colour. */
export function stateCell(state: ObservedState, unicode: boolean): Cell {
  const { word, shape, plain, colour } = looks[state];
  return { text: `${unicode ? shape : plain} ${word}`, colour };
}

export const stateWord = (state: ObservedState): string => looks[state].word;

const levels = { good: ['●', '*', 'green'], waits: ['…', '.', 'yellow'], quiet: ['○', 'o', 'dim'], bad: ['✗', '!', 'red'] } as const satisfies Record<string, readonly [string, string, Colour]>;

/** How something else stands. */
export function levelCell(level: keyof typeof levels, word: string, unicode: boolean): Cell {
  const [shape, plain, colour] = levels[level];
  return { text: `${unicode ? shape : plain} ${word}`, colour };
}

/** Whether the terminal's locale is one of UTF-8. */
export function speaksUnicode(env: World['env']): boolean {
  const locale = [env['LC_ALL'], env['LC_CTYPE'], env['LANG']].find((one) => one !== undefined && one !== '');
  return locale !== undefined && /utf-?8/i.test(locale);
}
