import { differingBytes, replay, type Disk } from './replay';

const bytes = (length: number): Buffer => Buffer.alloc(length, 7);
const read = (thinkUs: number, depth: number) => ({ thinkUs, offset: 0, length: 512, depth });

/** Answers when it is told to. */
class HeldDisk implements Disk {
  readonly open: (() => void)[] = [];
  read(_offset: number, length: number): Promise<Buffer> {
    return new Promise((resolve) => this.open.push(() => resolve(bytes(length))));
  }
}

describe('a replayed boot', () => {
  it('has as many reads under way as the recorded one and waits for the rest', async () => {
    const disk = new HeldDisk();
    const done = replay({ reads: [read(0, 1), read(0, 2), read(0, 1)] }, disk, () => bytes(512));
    await turn();
    expect(disk.open).toHaveLength(2);
    disk.open[0]?.();
    await turn();
    expect(disk.open).toHaveLength(2);
    disk.open[1]?.();
    await turn();
    expect(disk.open).toHaveLength(3);
    disk.open[2]?.();
    expect((await done).wrongBytes).toBe(0);
  });

  it('takes its own time where every read is answered at once, although timers are coarse', async () => {
    const disk: Disk = { read: (_offset, length) => Promise.resolve(bytes(length)) };
    const { seconds, answeredAtMs } = await replay({ reads: Array.from({ length: 200 }, () => read(700, 1)) }, disk, () => bytes(512));
    expect(seconds).toBeGreaterThan(0.135);
    expect(answeredAtMs).toHaveLength(200);
  });

  it('counts every wrong byte', async () => {
    const disk: Disk = { read: (_offset, length) => Promise.resolve(Buffer.alloc(length, 8)) };
    expect((await replay({ reads: [read(0, 1), read(0, 1)] }, disk, () => bytes(512))).wrongBytes).toBe(1024);
    expect(differingBytes(bytes(10), bytes(12))).toBe(2);
  });

  it('fails when a read fails', async () => {
    const disk: Disk = { read: () => Promise.reject(new Error('the disk is gone')) };
    await expect(replay({ reads: [read(0, 1), read(0, 1)] }, disk, () => bytes(512))).rejects.toThrow('the disk is gone');
  });
});

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
