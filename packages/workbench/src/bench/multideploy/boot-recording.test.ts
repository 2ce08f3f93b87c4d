import { readsOfQemuLog, scaledBoot, type RecordedRead } from './boot-recording';
import { bootChunks } from './boot-trace';

const MiB = 1024 * 1024;

describe('the log of QEMU', () => {
  it('gives each read with when it was asked for and answered, and no write', () => {
    const log = [
      '8051@100.000000:virtio_blk_handle_read vdev 0x1 req 0xa sector 16 nsectors 8',
      '8051@100.000100:virtio_blk_handle_write vdev 0x1 req 0xb sector 0 nsectors 1',
      '8051@100.000200:virtio_blk_handle_read vdev 0x1 req 0xc sector 2 nsectors 2',
      '8051@100.000250:virtio_blk_rw_complete vdev 0x1 req 0xb ret 0',
      '8051@100.000300:virtio_blk_req_complete vdev 0x1 req 0xb status 0',
      '8051@100.000400:virtio_blk_req_complete vdev 0x1 req 0xc status 0',
      '8051@100.000500:virtio_blk_req_complete vdev 0x1 req 0xa status 0',
      '8051@100.000600:virtio_blk_handle_read vdev 0x1 req 0xa sector 0 nsectors 1',
    ].join('\n');
    expect(readsOfQemuLog(log)).toEqual([
      { offset: 8192, length: 4096, askedAt: 100, answeredAt: 100.0005 },
      { offset: 1024, length: 1024, askedAt: 100.0002, answeredAt: 100.0004 },
    ]);
  });
});

describe('a boot made smaller', () => {
  const recorded: readonly RecordedRead[] = Array.from({ length: 64 }, (_, at) => ({ offset: (at * 7 % 64) * 4 * MiB, length: 65_536, askedAt: at, answeredAt: at + 0.25 }));
  const scale = { fromDiskBytes: 256 * MiB, toDiskBytes: 64 * MiB, bootSetBytes: 16 * 65_536, chunkBytes: 65_536, seed: 3 };

  it('reads the wished boot set of the smaller disk, in the order of the whole one', () => {
    const small = scaledBoot(recorded, scale);
    expect(bootChunks(small, 65_536)).toHaveLength(16);
    expect(Math.max(...small.reads.map(({ offset, length }) => offset + length))).toBeLessThanOrEqual(64 * MiB);
    // Reads of the whole one go up by 28 MiB each until they wrap: so do those of the smaller one.
    const wraps = (offsets: readonly number[]): number => offsets.filter((offset, at) => at > 0 && offset < (offsets[at - 1] ?? 0)).length;
    expect(wraps(small.reads.map(({ offset }) => offset))).toBeLessThanOrEqual(wraps(recorded.map(({ offset }) => offset)));
  });

  it('takes the share of the time that its boot set is of the whole', () => {
    const seconds = scaledBoot(recorded, scale).reads.reduce((sum, { thinkUs }) => sum + thinkUs, 0) / 1e6;
    // 63.25 s by a quarter, less the quarter seconds in which reads were under way and what lies before the first that was kept.
    expect(seconds).toBeGreaterThan(9);
    expect(seconds).toBeLessThanOrEqual(63.25 / 4);
  });

  it('keeps reads that were under way together under way together', () => {
    const pair: readonly RecordedRead[] = [
      { offset: 0, length: 4096, askedAt: 0, answeredAt: 1 },
      { offset: 65_536, length: 4096, askedAt: 0.5, answeredAt: 1.5 },
      { offset: 131_072, length: 4096, askedAt: 2, answeredAt: 3 },
    ];
    const { reads } = scaledBoot(pair, { ...scale, bootSetBytes: 3 * 65_536 });
    expect(reads.map(({ depth, thinkUs }) => [depth, thinkUs])).toEqual([[1, 0], [2, 500_000], [1, 500_000]]);
  });

  it('cuts a read that reaches over the border of two parts', () => {
    const { reads } = scaledBoot([{ offset: MiB - 4096, length: 8192, askedAt: 0, answeredAt: 1 }], { ...scale, bootSetBytes: 2 * 65_536 });
    expect(reads.map(({ offset, length }) => [offset, length])).toEqual([[MiB - 4096, 4096], [MiB, 4096]]);
  });
});
