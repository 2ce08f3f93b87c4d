import { z } from 'zod';
import { idSchema } from '../ids';
import { desiredStateSchema, observedStateSchema } from './instance-state';
import { bandwidthMbpsSchema, diskMiBSchema, displayNameSchema, hostLabelSchema, ipv4Schema, ramMiBSchema, vcpusSchema } from './limits';
import { reasonSchema } from './reasons';

/** Machines of one deployment, late ones included. */
export const mostDeploymentMembers = 500;

/** How a place in a deployment stands: it waits for its instance, has it, was taken back before it ran, or was refused one. */
export const memberStateSchema = z.enum(['wanted', 'made', 'cancelled', 'refused']);
export type MemberState = z.infer<typeof memberStateSchema>;

/** `deleting`: every member is to go; the deployment is gone with the last of them. */
export const deploymentStateSchema = z.enum(['active', 'deleting']);
export type DeploymentState = z.infer<typeof deploymentStateSchema>;

/** At most so many of one deployment are prepared or boot on one slave at a time. */
export const perHostLimitSchema = z.int().min(1).max(100);

export const deploymentSchema = z
  .object({
    id: idSchema,
    name: displayNameSchema,
    description: z.string(),
    createdByUserId: idSchema,
    /** The group its instances belong to, whose teacher sees and operates them. */
    groupId: idSchema.nullable(),
    /** As it was asked for; the image is the version that this came to, and all members run that one. */
    templateId: idSchema.nullable(),
    familyId: idSchema.nullable(),
    imageId: idSchema,
    vcpus: vcpusSchema,
    ramMiB: ramMiBSchema,
    diskMiB: diskMiBSchema,
    bandwidthMbps: bandwidthMbpsSchema.nullable(),
    minutes: z.int().positive().nullable(),
    /** Where members that are made from now on may run; null: anywhere. */
    slaveIds: z.array(idSchema).nullable(),
    /** Null: the site's. */
    perHostLimit: perHostLimitSchema.nullable(),
    state: deploymentStateSchema,
    /** How it stands as a whole, in words: "38 of 40 running, 2 wait for RAM on any slave". */
    sentence: z.string(),
    counts: z.object({
      members: z.int().nonnegative(),
      /** Places by how they stand. */
      places: z.record(memberStateSchema, z.int().nonnegative()),
      /** Instances of the `made` ones by their observed state; those of which there are none are left out. */
      instances: z.partialRecord(observedStateSchema, z.int().positive()),
      /** Instances that wait for their slave, which does not answer; each counts above too, as it was observed last. */
      slaveOffline: z.int().nonnegative(),
    }),
    createdAt: z.iso.datetime(),
    changedAt: z.iso.datetime(),
  })
  .readonly();
export type Deployment = z.infer<typeof deploymentSchema>;

export const deploymentMemberSchema = z
  .object({
    /** 1 for the first; never given twice. */
    slot: z.int().positive(),
    userId: idSchema,
    /** Reserved with the place: the instance has it once it is made. */
    instanceId: idSchema,
    state: memberStateSchema,
    /** Null until the instance is made, and once nothing is kept of it. */
    name: hostLabelSchema.nullable(),
    desired: desiredStateSchema.nullable(),
    observed: observedStateSchema.nullable(),
    slaveId: idSchema.nullable(),
    address: ipv4Schema.nullable(),
    reason: reasonSchema.nullable(),
    /** Why it was refused or taken back, or why the last verb for the whole was refused for it. */
    sentence: z.string().nullable(),
  })
  .readonly();
export type DeploymentMember = z.infer<typeof deploymentMemberSchema>;
