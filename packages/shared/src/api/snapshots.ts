import { z } from 'zod';
import { displayNameSchema } from '../domain/limits';
import { snapshotSchema, snapshotStateSchema } from '../domain/snapshot';
import { idSchema } from '../ids';
import { operationSchema } from './operations';
import { pageQuerySchema, pageSchema } from './page';
import { route } from './route';

const one = z.object({ snapshotId: idSchema });

/** Disks of one snapshot; a larger class is taken in several. */
export const mostSnapshotParts = 200;

export const createSnapshotBody = z
  .object({
    /** Absent: the time at which it is asked for. */
    name: displayNameSchema.optional(),
    /** Either these instances, */
    instanceIds: z.array(idSchema).min(1).max(mostSnapshotParts).optional(),
    /** or all of a deployment that have a disk. */
    deploymentId: idSchema.optional(),
    /** Save the one instance as the next version of this family of images, for whoever may make images. Absent: a version of a family of the instance's own, seen by you alone. */
    familyId: idSchema.optional(),
    /** With `familyId`: put the new version into production. */
    production: z.boolean().default(false),
    /** Keep the RAM too: guests that run are saved together, kept, and go on by themselves. */
    ram: z.boolean().default(false),
  })
  .refine(({ instanceIds, deploymentId }) => (instanceIds === undefined) !== (deploymentId === undefined), { path: ['instanceIds'], error: 'say what to snapshot: either instanceIds or deploymentId' })
  .refine(({ instanceIds, familyId }) => familyId === undefined || instanceIds?.length === 1, { path: ['familyId'], error: 'one instance becomes a version of a family; name exactly one in instanceIds' })
  .refine(({ familyId, ram }) => familyId === undefined || !ram, { path: ['ram'], error: 'a version of a family is a disk that others begin from; leave ram out' })
  .refine(({ familyId, production }) => !production || familyId !== undefined, { path: ['production'], error: 'only a version of a family is put into production; name familyId' });
export type CreateSnapshotBody = z.output<typeof createSnapshotBody>;

/** Long work was accepted: follow the operation (`Location`) until it is no longer pending. */
export const snapshotAcceptedSchema = z.object({ snapshot: snapshotSchema, operation: operationSchema });

export const createSnapshot = route({
  method: 'post',
  path: '/snapshots',
  summary: 'Keep what disks of instances hold now, as near to one moment as can be; each becomes a whole image version',
  action: 'snapshot.create',
  body: createSnapshotBody,
  answer: { status: 202, schema: snapshotAcceptedSchema },
});
export const listSnapshots = route({
  method: 'get',
  path: '/snapshots',
  summary: 'Snapshots, newest first',
  action: 'snapshot.list',
  query: pageQuerySchema.extend({ state: snapshotStateSchema.optional(), instanceId: idSchema.optional() }),
  answer: { status: 200, schema: pageSchema(snapshotSchema) },
});
export const getSnapshot = route({ method: 'get', path: '/snapshots/:snapshotId', summary: 'One snapshot', action: 'snapshot.see', params: one, answer: { status: 200, schema: snapshotSchema } });
/** What became of each instance of a snapshot that was asked to go back to it. */
export const snapshotRestoredSchema = z.object({
  restored: z.array(z.object({ instanceId: idSchema, instanceName: z.string(), operation: operationSchema })),
  /** Those that could not, and why. */
  refused: z.array(z.object({ instanceId: idSchema, instanceName: z.string(), sentence: z.string() })),
});

export const restoreSnapshot = route({
  method: 'post',
  path: '/snapshots/:snapshotId/restore',
  summary: 'Take instances of a snapshot back to what it holds, RAM included where it was kept; what is on their disks now is lost. What ran then runs again, where it is or elsewhere',
  action: 'snapshot.see',
  params: one,
  body: z.object({ /** Absent: all of them that are there still. */ instanceIds: z.array(idSchema).min(1).max(mostSnapshotParts).optional() }).prefault({}),
  answer: { status: 202, schema: snapshotRestoredSchema },
});
export const deleteSnapshot = route({
  method: 'delete',
  path: '/snapshots/:snapshotId',
  summary: 'Delete a snapshot with its image versions, or give up one that is not there yet; other snapshots keep what they share with it',
  action: 'snapshot.operate',
  params: one,
  answer: { status: 204 },
});
