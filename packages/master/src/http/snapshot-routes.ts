import * as contracts from '@paravcl/shared/api/snapshots';
import type { SnapshotRestore } from '../services/snapshot-restore';
import type { SnapshotService } from '../services/snapshot-service';
import { acting } from './acting';
import { bind, type BoundRoute } from './binding';

/** `/snapshots`. */
export function snapshotRoutes(snapshots: SnapshotService, restore: SnapshotRestore): readonly BoundRoute[] {
  return [
    bind(contracts.createSnapshot, async (call) => ({ body: await snapshots.create(acting(call), call.body, call.subjectId) })),
    bind(contracts.listSnapshots, async ({ principal, query }) => {
      const { items, next } = await snapshots.list(principal, query);
      return { body: { items: [...items], next } };
    }),
    bind(contracts.getSnapshot, async ({ principal, params }) => ({ body: await snapshots.get(principal, params.snapshotId) })),
    bind(contracts.restoreSnapshot, async (call) => ({ body: await restore.carryOut(acting(call), call.params.snapshotId, call.body.instanceIds, call.subjectId) })),
    bind(contracts.deleteSnapshot, async (call) => {
      await snapshots.delete(acting(call), call.params.snapshotId);
      return { body: undefined };
    }),
  ];
}
