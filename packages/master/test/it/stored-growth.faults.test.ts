import { measureStoredGrowth } from '@paravcl/workbench/bench/multisnapshot/stored-growth';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { snapshotKeeper } from './snapshot-keeper';

jest.setTimeout(120_000);

test('a store grows by little more than was written at random, and by the same writes of clones once', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'stored-growth-'));
  const keeper = await snapshotKeeper(join(directory, 'chunks'));
  try {
    const growth = await measureStoredGrowth(keeper, { diskBytes: 512 * 1024 ** 2, writes: 1000, clones: 8, ownWrites: 2, directory });
    expect(growth.storedPerDirtied).toBeLessThan(1.2);
    expect(growth.clonesStoredPerDirtied).toBeLessThan(0.25);
  } finally {
    await keeper.store.close();
    rmSync(directory, { recursive: true });
  }
});
