import type { ImageList } from './mirror/control-api';
import { listedImages, shownImages } from './shown-images';

type Image = ImageList['images'][number];
const image = (name: string, further: Partial<Image>, holding: Partial<Image['holding']> = {}): Image => ({
  holding: { manifest: name.repeat(64), presentChunks: 1, totalChunks: 10, presentBootChunks: 0, totalBootChunks: 0, complete: false, ...holding },
  sizeBytes: 9_600_000_000,
  storedBytes: 84_000_000,
  usedAt: '2026-03-02T12:00:00.000Z',
  heldBy: [],
  ...further,
});

it('tells how much of each image is here and who needs it, the one used last first', () => {
  const images = [
    image('a', {}),
    image('b', { usedAt: '2026-03-04T12:00:00.000Z', heldBy: ['one'] }, { presentBootChunks: 5, totalBootChunks: 5 }),
    image('c', { usedAt: '2026-03-03T12:00:00.000Z', heldBy: ['one', 'two'] }, { presentBootChunks: 1, totalBootChunks: 3 }),
    image('d', { usedAt: '2026-03-01T12:00:00.000Z' }, { complete: true }),
  ];
  expect(shownImages({ images })).toEqual([
    'bbbbbbbbbbbb  84 of 9600 MB, all that boots read; 1 instance is made of it',
    'cccccccccccc  84 of 9600 MB, 33 % of what boots read; 2 instances are made of it',
    'aaaaaaaaaaaa  84 of 9600 MB; unused since 2026-03-02T12:00Z',
    'dddddddddddd  whole; unused since 2026-03-01T12:00Z',
  ]);
});

it('lists what is here of each image, whether it is right, and which instances are made of it', () => {
  const images = [
    image('a', { isChecked: true, checkedAt: null, usedAt: '2026-03-01T12:00:00.000Z' }),
    image('b', { isChecked: true, checkedAt: '2026-03-02T13:14:15.000Z', heldBy: ['one', 'two'], usedAt: '2026-03-04T12:00:00.000Z' }, { complete: true }),
    image('c', { isChecked: false, checkedAt: null, usedAt: '2026-03-03T12:00:00.000Z' }),
    image('d', {}),
  ];
  expect(listedImages({ images }).map((line) => line.replace(/^(.)\1{63}/, '$1'))).toEqual([
    'b  84 MB here, whole; hashed 2026-03-02T13:14Z; instances one, two',
    'c  84 MB here, of 9600; to be hashed again, in the background; unused since 2026-03-03T12:00Z',
    'd  84 MB here, of 9600; unused since 2026-03-02T12:00Z',
    'a  84 MB here, of 9600; not known when it was hashed last; unused since 2026-03-01T12:00Z',
  ]);
  expect(listedImages({ images: [] })).toEqual(['No images.']);
});
