import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { observedMoves, observedStateMeanings, observedStateSchema, transitionalStates, type ObservedState } from './instance-state';
import { admissionMeanings, admissionMoves, admissionSchema } from './slave';

const text = readFileSync(join(__dirname, '../../../../docs/states.md'), 'utf8');

/** Rows of the table under this heading, cells trimmed, without its head. */
function table(heading: string): string[][] {
  const section = text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`));
  if (section === undefined) throw new Error(`docs/states.md has no section "${heading}".`);
  const lines = section.split('\n').filter((line) => line.startsWith('|'));
  return lines.slice(2).map((line) => line.slice(1, -1).split('|').map((cell) => cell.trim()));
}
const list = (states: readonly string[]): string => (states.length === 0 ? '–' : states.join(', '));

describe('docs/states.md', () => {
  it('tells every state of an instance with its meaning, owner and deadline', () => {
    const expected = observedStateSchema.options.map((state: ObservedState) => {
      const transitional = transitionalStates[state];
      return [state, observedStateMeanings[state], transitional === undefined ? '–' : `${transitional.deadlineMs / 60_000} min`, transitional?.owner ?? '–'];
    });
    expect(table('Observed: what is')).toEqual(expected);
  });

  it('tells every move', () => {
    expect(table('Moves')).toEqual(observedStateSchema.options.map((state: ObservedState) => [state, list(observedMoves[state])]));
  });

  it('tells every admission of a slave', () => {
    expect(table('Hosts: admission')).toEqual(admissionSchema.options.map((admission) => [admission, admissionMeanings[admission], list(admissionMoves[admission])]));
  });
});
