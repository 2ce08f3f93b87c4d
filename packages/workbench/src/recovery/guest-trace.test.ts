import fc from 'fast-check';
import { emptyTrace, follow, type GuestTrace } from './guest-trace';

const life = (bootId: string, from: number, to: number): string =>
  `paravcl-guest ready name=i-a id=1 boot=${bootId} address=10.0.0.2\n${counts(from, to)}`;
const counts = (from: number, to: number): string => Array.from({ length: to - from + 1 }, (_, index) => `count ${String(from + index)}\n`).join('');
const withoutTimes = ({ boots }: GuestTrace): unknown => boots.map(({ bootId, first, last, jumps }) => ({ bootId, first, last, jumps }));

test('a guest that counts on is one life, however its lines were cut into pieces', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(400), { maxLength: 8 }), (cuts) => {
      const text = `booting…\r\n${life('b1', 1, 20)}noise\n${counts(21, 30)}${life('b2', 1, 5)}`.replaceAll('\n', '\r\n');
      const places = [0, ...cuts.map((cut) => cut % text.length).sort((a, b) => a - b), text.length];
      const pieces = places.slice(1).map((place, index) => text.slice(places[index], place));
      const trace = pieces.reduce((soFar, piece) => follow(soFar, piece, 7), emptyTrace);
      expect(withoutTimes(trace)).toEqual([
        { bootId: 'b1', first: 1, last: 30, jumps: [] },
        { bootId: 'b2', first: 1, last: 5, jumps: [] },
      ]);
    }),
  );
});

test('a counter that jumps is seen', () => {
  expect(withoutTimes(follow(emptyTrace, `${life('b1', 1, 3)}${counts(2, 4)}`, 0))).toEqual([{ bootId: 'b1', first: 1, last: 4, jumps: [[3, 2]] }]);
});

test('a counter that begins again without a ready line is another life', () => {
  expect(withoutTimes(follow(emptyTrace, `${life('b1', 1, 3)}${counts(1, 2)}`, 0))).toEqual([
    { bootId: 'b1', first: 1, last: 3, jumps: [] },
    { bootId: null, first: 1, last: 2, jumps: [] },
  ]);
});

test('an unfinished line counts only when it ended', () => {
  const open = follow(emptyTrace, `${life('b1', 1, 3)}count 4`, 0);
  expect(open.boots[0]?.last).toBe(3);
  expect(follow(open, '2\n', 0).boots[0]?.jumps).toEqual([[3, 42]]);
});

test('how long a counter stood still is told by the looks that saw it go on', () => {
  const looks = [[life('b1', 1, 3), 100], [counts(4, 5), 700], [counts(6, 7), 20_700], [counts(8, 9), 21_000]] as const;
  expect(looks.reduce((soFar, [piece, ms]) => follow(soFar, piece, ms), emptyTrace).boots).toMatchObject([{ last: 9, silentMs: 20_000, lastMs: 21_000 }]);
});
