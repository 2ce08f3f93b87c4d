import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { priorityOf } from '../priority';
import { decisionKindSchema } from './decision';
import { noticeKindSchema } from './notice';
import { reasonCodes } from './reasons';
import { holdingReservationStates, reservationMoves, reservationStateMeanings, reservationStateSchema } from './reservation';

const documents = join(__dirname, '../../../../docs');
const lines = (name: string): readonly string[] => readFileSync(join(documents, name), 'utf8').split('\n');

/** Rows of the first table with this head, cells trimmed, without the head. */
function table(name: string, head: string): readonly (readonly string[])[] {
  const page = lines(name);
  const start = page.indexOf(head);
  if (start === -1) throw new Error(`docs/${name} has no table "${head}".`);
  const after = page.slice(start + 2);
  const length = after.findIndex((line) => !line.startsWith('|'));
  return after.slice(0, length).map((line) => line.slice(1, -1).split('|').map((cell) => cell.trim()));
}

const named = (rows: readonly (readonly string[])[]): readonly (string | undefined)[] => rows.map(([first]) => first);
const list = (states: readonly string[]): string => (states.length === 0 ? '–' : states.join(', '));

describe('docs/scheduler.md', () => {
  it('tells every reason, most important first', () => {
    const rows = table('scheduler.md', '| reason | what it means |');
    expect(named(rows)).toEqual(reasonCodes);
    expect(rows.filter(([, meaning]) => meaning === undefined || meaning === '')).toEqual([]);
  });

  it('tells every kind of decision and of notice', () => {
    expect(named(table('scheduler.md', '| kind | subject | what was decided |'))).toEqual(decisionKindSchema.options);
    expect(named(table('scheduler.md', '| notice | who is told |'))).toEqual(noticeKindSchema.options);
  });

  it('reckons every priority as the code does', () => {
    const rows = table('scheduler.md', '| request | PfV | RAS | MON | R | E | log2 R | ln E | PF | Pi |');
    expect(rows.length).toBeGreaterThan(1);
    for (const [request, pfv, ras, mon, ramMiB, minutes, ...shown] of rows) {
      const { log2R, lnE, pf, pi } = priorityOf({ pfv: Number(pfv), ras: ras === '1', mon: mon === '1', ramMiB: Number(ramMiB), minutes: Number(minutes) });
      expect([request, ...shown]).toEqual([request, log2R.toFixed(4), lnE.toFixed(4), pf.toFixed(4), pi.toFixed(6)]);
    }
  });
});

describe('docs/states.md', () => {
  it('tells every state of a reservation with its meaning, whether it holds room, and its moves', () => {
    const expected = reservationStateSchema.options.map((state) => [
      state,
      reservationStateMeanings[state],
      holdingReservationStates.includes(state) ? 'yes' : 'no',
      list(reservationMoves[state]),
    ]);
    expect(table('states.md', '| reservation | what it means | holds room | may become |')).toEqual(expected);
  });
});
