import { z } from 'zod';
import { deploymentMemberSchema, deploymentSchema, mostDeploymentMembers, perHostLimitSchema } from '../domain/deployment';
import { bandwidthMbpsSchema, diskMiBSchema, displayNameSchema, ramMiBSchema, vcpusSchema } from '../domain/limits';
import { idSchema } from '../ids';
import { operationSchema } from './operations';
import { pageQuerySchema, pageSchema } from './page';
import { route } from './route';

const one = z.object({ deploymentId: idSchema });
const descriptionSchema = z.string().max(2000);
const minutesSchema = z.int().min(0).max(366 * 24 * 60);
const slaveIdsSchema = z.array(idSchema).min(1, 'name at least one host, or leave it out').max(1000, 'at most 1000 hosts');
const mostSaid = `at most ${mostDeploymentMembers} machines`;

const howMany = {
  /** So many machines, all of whoever deploys. */
  count: z.int().min(1).max(mostDeploymentMembers, mostSaid).optional(),
  /** Ids or user names: each owns one machine. */
  users: z.array(z.string().trim().min(1).max(64)).min(1).max(mostDeploymentMembers, mostSaid).optional(),
};
const saysHowMany = ({ count, users }: { readonly count?: number | undefined; readonly users?: readonly string[] | undefined }): boolean => (count === undefined) !== (users === undefined);
const sayHowMany = { path: ['count'], error: 'say how many: exactly one of count and users' };

export const createDeploymentBody = z
  .object({
    name: displayNameSchema,
    description: descriptionSchema.default(''),
    imageId: idSchema.optional(),
    familyId: idSchema.optional(),
    templateId: idSchema.optional(),
    ...howMany,
    /** Of each machine. Absent: the template's, the image's, the site's. */
    vcpus: vcpusSchema.optional(),
    ramMiB: ramMiBSchema.optional(),
    diskMiB: diskMiBSchema.optional(),
    bandwidthMbps: bandwidthMbpsSchema.optional(),
    /** How long each runs before it is saved by itself. Null: without end (operators and admins). */
    minutes: minutesSchema.nullable().optional(),
    /** The group all machines belong to. Absent: with `count` one's primary group; with `users` the one group of a teacher that all of them are in, else none. */
    groupId: idSchema.nullable().optional(),
    /** The machines run on these slaves only. */
    slaveIds: slaveIdsSchema.optional(),
    /** At most so many are prepared or boot on one slave at a time. Absent: the site's. */
    perHostLimit: perHostLimitSchema.optional(),
  })
  .refine(({ imageId, familyId, templateId }) => [imageId, familyId, templateId].filter((id) => id !== undefined).length === 1, {
    path: ['imageId'],
    error: 'say what to run: exactly one of imageId, familyId and templateId',
  })
  .refine(saysHowMany, sayHowMany);
export type CreateDeploymentBody = z.output<typeof createDeploymentBody>;

/** Who is named and has a machine of it already is refused one more, and the others get theirs. */
export const addDeploymentMembersBody = z.object(howMany).refine(saysHowMany, sayHowMany);
export type AddDeploymentMembersBody = z.output<typeof addDeploymentMembersBody>;

/** What is left out stays. `slaveIds` is for machines that are made later; null lifts it, as of `perHostLimit`. */
export const editDeploymentBody = z.object({
  name: displayNameSchema.optional(),
  description: descriptionSchema.optional(),
  slaveIds: slaveIdsSchema.nullable().optional(),
  perHostLimit: perHostLimitSchema.nullable().optional(),
});
export type EditDeploymentBody = z.output<typeof editDeploymentBody>;

/** Long work for the whole was accepted: one operation to follow (`Location`), whose sentence tells how far it is. */
export const deploymentAcceptedSchema = z.object({
  deployment: deploymentSchema,
  operation: operationSchema,
  /** What one should know before relying on it. */
  warnings: z.array(z.string()),
  /** Members for which it was refused at once; the others are done. What is refused later stands with the member. */
  refused: z.array(z.object({ slot: z.int().positive(), instanceId: idSchema, sentence: z.string() })),
});
const accepted = { status: 202, schema: deploymentAcceptedSchema } as const;

export const createDeployment = route({ method: 'post', path: '/deployments', summary: 'Launch many machines as one thing: an image, a family or a template, for oneself or one for each of some people', action: 'deployment.create', body: createDeploymentBody, answer: accepted });

export const listDeployments = route({
  method: 'get',
  path: '/deployments',
  summary: 'Deployments, newest first: one’s own, those of the groups one owns; operators and admins all',
  action: 'deployment.list',
  query: pageQuerySchema,
  answer: { status: 200, schema: pageSchema(deploymentSchema) },
});

export const getDeployment = route({
  method: 'get',
  path: '/deployments/:deploymentId',
  summary: 'One deployment with its members',
  action: 'deployment.see',
  params: one,
  answer: { status: 200, schema: z.object({ deployment: deploymentSchema, members: z.array(deploymentMemberSchema) }) },
});

export const editDeployment = route({ method: 'patch', path: '/deployments/:deploymentId', summary: 'Change what a deployment is called, and how members are made from now on', action: 'deployment.edit', params: one, body: editDeploymentBody, answer: { status: 200, schema: deploymentSchema } });

export const addDeploymentMembers = route({ method: 'post', path: '/deployments/:deploymentId/members', summary: 'Add machines to a deployment', action: 'deployment.operate', params: one, body: addDeploymentMembersBody, answer: accepted });

export const cancelDeployment = route({ method: 'post', path: '/deployments/:deploymentId/cancel', summary: 'Delete what has not run yet; what runs or ran stays', action: 'deployment.operate', params: one, answer: accepted });

export const startDeployment = route({ method: 'post', path: '/deployments/:deploymentId/start', summary: 'Switch all machines on, or try failed launches again', action: 'deployment.operate', params: one, answer: accepted });

export const stopDeployment = route({
  method: 'post',
  path: '/deployments/:deploymentId/stop',
  summary: 'Switch all machines off; their disks are kept',
  action: 'deployment.operate',
  params: one,
  body: z.object({
    /** Take the power away at once instead of asking the guests to shut down. */
    force: z.boolean().default(false),
  }).prefault({}),
  answer: accepted,
});

export const suspendDeployment = route({ method: 'post', path: '/deployments/:deploymentId/suspend', summary: 'Save all machines with everything open', action: 'deployment.operate', params: one, answer: accepted });

export const resumeDeployment = route({ method: 'post', path: '/deployments/:deploymentId/resume', summary: 'Go on where the machines were saved', action: 'deployment.operate', params: one, answer: accepted });

export const resetDeployment = route({
  method: 'post',
  path: '/deployments/:deploymentId/reset',
  summary: 'Begin all machines anew from their image: names, MACs and addresses stay, their disks and what was saved of them go',
  action: 'deployment.operate',
  params: one,
  body: z.object({
    /** From the version of the image’s family that is in production when each begins, instead of their own. */
    toProduction: z.boolean().default(false),
  }).prefault({}),
  answer: accepted,
});

export const deleteDeployment = route({ method: 'delete', path: '/deployments/:deploymentId', summary: 'Delete all machines and their disks; the deployment is gone with the last', action: 'deployment.operate', params: one, answer: accepted });
