import { SaveWatch } from './save-watch';

test('one save is measured from its beginning to its end', () => {
  const watch = new SaveWatch();
  watch.began('lab', 'a', 1000);
  expect(watch.ended('lab', 'a', 512, 9000)).toBe(64);
  expect(watch.ended('lab', 'a', 512, 9500)).toBeNull();
});

test('saves that overlap share one disk: all they wrote from the first beginning to the last end counts', () => {
  const watch = new SaveWatch();
  for (const id of ['a', 'b', 'c']) watch.began('lab', id, 0);
  watch.began('other', 'x', 0);
  expect(watch.ended('lab', 'a', 100, 2000)).toBeNull();
  expect(watch.ended('lab', 'b', 100, 4000)).toBeNull();
  expect(watch.ended('lab', 'c', 100, 6000)).toBe(50);
  expect(watch.ended('other', 'x', 100, 1000)).toBe(100);
});

test('one that came to nothing measures nothing by itself', () => {
  const watch = new SaveWatch();
  watch.began('lab', 'a', 0);
  expect(watch.ended('lab', 'a', 0, 5000)).toBeNull();
  watch.began('lab', 'a', 6000);
  expect(watch.ended('lab', 'a', 40, 7000)).toBe(40);
});
