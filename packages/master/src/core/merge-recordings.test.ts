import { accessPatternSchema, emptyPattern, mostPatternChunks, type Recording } from '@paravcl/shared/chunks/access-pattern';
import fc from 'fast-check';
import { mergeRecordings } from './merge-recordings';

const boot = (...chunks: readonly number[]): Recording => ({ boot: [...chunks], application: [], shutdown: [] });

test('of no recording there is no pattern', () => {
  expect(mergeRecordings([])).toEqual(emptyPattern);
});

test('one recording is the pattern, each chunk where it was first read', () => {
  expect(mergeRecordings([{ boot: [7, 3, 7], application: [3, 9], shutdown: [9, 1] }])).toEqual({ revision: 1, boot: [7, 3], application: [9], shutdown: [1] });
});

test('what less than half of the boots read is left out', () => {
  expect(mergeRecordings([boot(1, 2), boot(1, 3), boot(1, 4)]).boot).toEqual([1]);
  expect(mergeRecordings([boot(1, 2), boot(1, 3)]).boot).toEqual([1, 2, 3]);
});

test('the order is that of the median rank, so one boot that was late does not turn it around', () => {
  expect(mergeRecordings([boot(1, 2, 3), boot(1, 2, 3), boot(3, 2, 1)]).boot).toEqual([1, 2, 3]);
});

test('what half of the guests read by the end of a phase, though some of them earlier, is in that phase', () => {
  const [early, late] = [boot(1, 5), { boot: [1], application: [5], shutdown: [] }];
  expect(mergeRecordings([early, late, late])).toEqual({ revision: 3, boot: [1], application: [5], shutdown: [] });
  expect(mergeRecordings([early, { ...boot(1), application: [5] }, boot(1), boot(1), boot(1)])).toEqual({ revision: 5, boot: [1], application: [], shutdown: [] });
});

test('a phase has no more chunks than may be sent', () => {
  const many = (from: number): Recording => boot(...Array.from({ length: mostPatternChunks }, (_, at) => from + at));
  const pattern = mergeRecordings([many(0), many(mostPatternChunks)]);
  expect(pattern.boot).toHaveLength(mostPatternChunks);
  expect(accessPatternSchema.safeParse(pattern).success).toBe(true);
});

const chunks = fc.array(fc.nat(12), { maxLength: 12 });
const recording = fc.record({ boot: chunks, application: chunks, shutdown: chunks });
const recordings = fc.array(recording, { minLength: 1, maxLength: 5 });

test('in whatever order recordings came, the pattern is the same', () => {
  fc.assert(
    fc.property(recordings.chain((some) => fc.tuple(fc.constant(some), fc.shuffledSubarray(some, { minLength: some.length }))), ([some, shuffled]) => {
      expect(mergeRecordings(shuffled)).toEqual(mergeRecordings(some));
    }),
  );
});

test('a chunk stands once, and exactly those do that at least half of the recordings read', () => {
  fc.assert(
    fc.property(recordings, (some) => {
      const pattern = mergeRecordings(some);
      const all = [...pattern.boot, ...pattern.application, ...pattern.shutdown];
      const readBy = (chunk: number, of: (one: Recording) => readonly number[]): number => some.filter((one) => of(one).includes(chunk)).length;
      const usual = Array.from({ length: 13 }, (_, chunk) => chunk).filter((chunk) => 2 * readBy(chunk, ({ boot: b, application, shutdown }) => [...b, ...application, ...shutdown]) >= some.length);
      expect([...all].sort((a, b) => a - b)).toEqual(usual);
      // Nothing that half of them read as they booted comes later.
      for (const chunk of usual) expect(pattern.boot.includes(chunk)).toBe(2 * readBy(chunk, ({ boot: b }) => b) >= some.length);
    }),
  );
});

test('recordings that agree are the pattern', () => {
  fc.assert(
    fc.property(recording, fc.integer({ min: 1, max: 5 }), (one, times) => {
      const { revision, ...merged } = mergeRecordings(Array.from({ length: times }, () => one));
      const { revision: of, ...single } = mergeRecordings([one]);
      expect([revision, of]).toEqual([times, 1]);
      expect(merged).toEqual(single);
    }),
  );
});
