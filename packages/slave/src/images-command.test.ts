import { namedImages } from './images-command';
import type { ImageList } from './mirror/control-api';

const image = (id: string): ImageList['images'][number] => ({
  holding: { manifest: id.padEnd(64, '0'), presentChunks: 1, totalChunks: 10, presentBootChunks: 0, totalBootChunks: 0, complete: false },
  sizeBytes: 1,
  storedBytes: 1,
  usedAt: '2026-03-02T12:00:00.000Z',
  heldBy: [],
});

it('takes the beginning of an id for the image when it is the only one', () => {
  const images = [image('ab1'), image('ab2')];
  expect(namedImages({ images }, 'ab1')).toEqual(['ab1'.padEnd(64, '0')]);
  expect(namedImages({ images }, '')).toHaveLength(2);
  expect(() => namedImages({ images }, 'ab')).toThrow('2 images here begin with ab');
  expect(() => namedImages({ images }, 'c')).toThrow('No image here begins with c');
});
