import { listedImages, namedImages } from './images-command';
import type { ImageList } from './mirror/control-api';

type Image = ImageList['images'][number];
const image = (id: string, further: Partial<Image>, complete = false): Image => ({
  holding: { manifest: id.padEnd(64, '0'), presentChunks: 1, totalChunks: 10, presentBootChunks: 0, totalBootChunks: 0, complete },
  sizeBytes: 9_600_000_000,
  storedBytes: 84_000_000,
  usedAt: '2026-03-02T12:00:00.000Z',
  heldBy: [],
  ...further,
});

it('lists what is here of each image, whether it is right, and which instances are made of it', () => {
  const images = [
    image('a', { isChecked: true, checkedAt: null, usedAt: '2026-03-01T12:00:00.000Z' }),
    image('b', { isChecked: true, checkedAt: '2026-03-02T13:14:15.000Z', heldBy: ['one', 'two'], usedAt: '2026-03-04T12:00:00.000Z' }, true),
    image('c', { isChecked: false, checkedAt: null, usedAt: '2026-03-03T12:00:00.000Z' }),
    image('d', {}),
  ];
  expect(listedImages({ images }).map((line) => line.replace(/0{63}/, ''))).toEqual([
    'b  84 MB here, whole; hashed 2026-03-02T13:14Z; instances one, two',
    'c  84 MB here, of 9600; to be hashed again, in the background; unused since 2026-03-03T12:00Z',
    'd  84 MB here, of 9600; unused since 2026-03-02T12:00Z',
    'a  84 MB here, of 9600; not known when it was hashed last; unused since 2026-03-01T12:00Z',
  ]);
  expect(listedImages({ images: [] })).toEqual(['No images.']);
});

it('takes the beginning of an id for the image when it is the only one', () => {
  const images = [image('ab1', {}), image('ab2', {})];
  expect(namedImages({ images }, 'ab1')).toEqual(['ab1'.padEnd(64, '0')]);
  expect(namedImages({ images }, '')).toHaveLength(2);
  expect(() => namedImages({ images }, 'ab')).toThrow('2 images here begin with ab');
  expect(() => namedImages({ images }, 'c')).toThrow('No image here begins with c');
});
