import { measureForBench } from '@paravcl/workbench/bench/multisnapshot/bench-words';
import { placementsWishSchema } from '@paravcl/workbench/bench/scheduler/durable-placements';
import { parseJson } from '@paravcl/shared/parse-json';
import { childWishSchema, launchUntilKilled } from './launching-child';
import { measurePlacements } from './measure-placements';

/** Durable placements by the master's scheduling service, for `npm run bench -- scheduler`; and the child of that which is killed. */
const child = childWishSchema.safeParse(parseJson(process.argv[2] ?? 'null'));
void (child.success ? launchUntilKilled(child.data) : measureForBench((wish, say) => measurePlacements(placementsWishSchema.parse(wish), __filename, say)));
