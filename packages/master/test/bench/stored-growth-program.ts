import { measureForBench } from '@paravcl/workbench/bench/multisnapshot/bench-words';
import { measureStoredGrowth, storedGrowthWishSchema } from '@paravcl/workbench/bench/multisnapshot/stored-growth';
import { join } from 'node:path';
import { snapshotKeeper } from '../it/snapshot-keeper';

/** The growth of the master's own store, for `npm run bench -- multisnapshot`. */
void measureForBench(async (wish, say) => {
  const options = storedGrowthWishSchema.parse(wish);
  const keeper = await snapshotKeeper(join(options.directory, 'chunks'));
  try {
    return await measureStoredGrowth(keeper, options, say);
  } finally {
    await keeper.store.close();
  }
});
