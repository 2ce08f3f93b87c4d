import { manifestOf } from '@paravcl/shared/chunks/manifest';
import { hashBytes } from '@paravcl/shared/chunks/manifest-hashes';
import { bootSetOf, bootsFrom } from './boot-set';

/** Four chunks, the second of zeros, the last one short. */
const manifest = manifestOf({ chunkBytes: 65_536, sizeBytes: 3 * 65_536 + 512 }, Buffer.concat([1, 0, 2, 3].map((byte) => Buffer.alloc(hashBytes, byte))));

test('the boot set is as large as its chunks, those of zeros cost nothing', () => {
  expect(bootSetOf({ boot: [0, 1, 3] }, manifest)).toEqual({ chunks: 2, bytes: 65_536 + 512 });
  expect(bootSetOf({ boot: [] }, manifest)).toEqual({ chunks: 0, bytes: 0 });
});

test('a chunk that the version does not have is none of its boot set', () => {
  expect(bootSetOf({ boot: [4, 99, 2] }, manifest)).toEqual({ chunks: 1, bytes: 65_536 });
});

test('is told beside the size of the whole', () => {
  expect(bootsFrom({ bytes: 84_017_152 }, 9_600_000_000)).toBe('boots from 84 MB of 9.6 GB');
});
