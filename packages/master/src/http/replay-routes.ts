import { getDecisionReplay, getReplay } from '@paravcl/shared/api/replay';
import type { ReplayService } from '../services/replay-service';
import { bind, type BoundRoute } from './binding';

/** `/replay`, and the replay of one decision. */
export function replayRoutes(replays: ReplayService): readonly BoundRoute[] {
  return [
    bind(getReplay, async ({ query: { since, until, ...asked } }) => ({ body: await replays.replay({ ...asked, since: Date.parse(since), until: until === undefined ? undefined : Date.parse(until) }) })),
    bind(getDecisionReplay, async ({ principal, params, query }) => ({ body: await replays.one(principal, params.decisionId, query) })),
  ];
}
