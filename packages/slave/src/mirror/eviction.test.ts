import { LosingDisk } from '../../test/fixtures/losing-disk';
import { evictable, holders, launchMs, type EvictionStanding } from './eviction';

const nowMs = Date.parse('2026-03-02T08:00:00Z');
const id = (letter: string): string => letter.repeat(64);
const standing = (letter: string, idleMs: number, further: Partial<EvictionStanding> = {}): EvictionStanding => ({ id: id(letter), usedAt: nowMs - idleMs, inUse: false, gone: false, ...further });
const names = (images: readonly EvictionStanding[]): string => images.map((image) => image.id[0]).join('');

test('the longest unused goes first, one that was deleted from the site before it', () => {
  const images = [standing('a', 2 * launchMs), standing('b', 5 * launchMs), standing('c', 3 * launchMs, { gone: true })];
  expect(names(evictable(images, new Set(), nowMs, 0))).toBe('cba');
});

test('what an instance is made of, a reader reads or a launch may be about to use does not go, whatever room lacks', () => {
  const images = [standing('a', 9 * launchMs), standing('b', 9 * launchMs, { inUse: true }), standing('c', launchMs - 1), standing('d', launchMs - 1, { gone: true }), standing('e', launchMs)];
  expect(names(evictable(images, new Set([id('a')]), nowMs, 0))).toBe('e');
});

test('only what is unused for so long goes when room does not lack', () => {
  const day = 24 * launchMs;
  expect(names(evictable([standing('a', 29 * day), standing('b', 30 * day), standing('c', 2 * launchMs, { gone: true })], new Set(), nowMs, 30 * day))).toBe('cb');
});

const one = '0191a6e0-0000-7000-8000-000000000001';
const other = '0191a6e0-0000-7000-8000-000000000002';

test('the lists of instances say which images they hold; names of older image files are no matter', async () => {
  const disk = new LosingDisk();
  await disk.replace(`/instances/${one}/images`, Buffer.from(`${id('a')}\n${id('b')}\n`));
  await disk.replace(`/instances/${other}/images`, Buffer.from(`${id('a')}\n${id('c')}.qcow2\n`));
  await disk.replace(`/instances/${other}/ram`, Buffer.from(`${id('e')}\n`));
  await disk.replace(`/instances/.making-${one}/images`, Buffer.from(`${id('d')}\n`));
  expect([...(await holders(disk, '/instances'))]).toEqual([
    [id('a'), [one, other]],
    [id('b'), [one]],
    [id('e'), [other]],
  ]);
});

test('a list that is missing or cut short may hold any image: it is said, and nothing goes', async () => {
  const disk = new LosingDisk();
  await disk.replace(`/instances/${one}/images`, Buffer.from(id('a').slice(5)));
  await expect(holders(disk, '/instances')).rejects.toThrow(/cannot be read, so no image is removed/);
  const withoutList = new LosingDisk();
  await withoutList.makeDirectory(`/instances/${one}`);
  await expect(holders(withoutList, '/instances')).rejects.toThrow(/cannot be read/);
});
