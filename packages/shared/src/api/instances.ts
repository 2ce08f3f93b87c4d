import { z } from 'zod';
import { priorityPartsSchema } from '../domain/decision';
import { instanceSchema, instanceTransitionSchema } from '../domain/instance';
import { observedStateSchema } from '../domain/instance-state';
import { bandwidthMbpsSchema, diskMiBSchema, ramMiBSchema, speedSchema, sshPublicKeySchema, vcpusSchema } from '../domain/limits';
import { idSchema } from '../ids';
import { flagSchema } from './flag';
import { joinWaySchema } from './join-tokens';
import { operationSchema } from './operations';
import { pageQuerySchema, pageSchema } from './page';
import { route } from './route';

const one = z.object({ instanceId: idSchema });

/** The site's configuration bounds it further for students and teachers; 0 is for nobody, and the refusal names what one may have. */
const minutesSchema = z.int().min(0).max(366 * 24 * 60);

/** A start or a resume may give it new time; without, it keeps what is left, or gets its minutes again when none is. */
const newTimeBody = z.object({ minutes: minutesSchema.nullable().optional() }).prefault({});

/** What is to run: a version, the production version of a family, or a template. */
const runFields = {
  imageId: idSchema.optional(),
  familyId: idSchema.optional(),
  templateId: idSchema.optional(),
};
const namesOne = (asked: { readonly imageId?: string | undefined; readonly familyId?: string | undefined; readonly templateId?: string | undefined }): boolean =>
  [asked.imageId, asked.familyId, asked.templateId].filter((id) => id !== undefined).length === 1;
const nameOne = { path: ['imageId'], error: 'say what to run: exactly one of imageId, familyId and templateId' };

export const createInstanceBody = z.object({
  ...runFields,
  /** Host name in the guest; one is made from the image's name and the id when absent. */
  name: z.string().max(10_000).optional(),
  /** Absent: the image's default. Null: boot by the disk's own loader. */
  kernelId: idSchema.nullable().optional(),
  ramdiskId: idSchema.nullable().optional(),
  vcpus: vcpusSchema.optional(),
  ramMiB: ramMiBSchema.optional(),
  /** At least the image's size. A template's sizes and time are taken where nothing else is said. */
  diskMiB: diskMiBSchema.optional(),
  bandwidthMbps: bandwidthMbpsSchema.optional(),
  /** Least speed of a core of its host, relative to the reference machine; absent: what its image needs. */
  minSpeed: speedSchema.optional(),
  /** A group you belong to or own, whose teacher may see and operate it. Absent: your primary group, if any. */
  groupId: idSchema.nullable().optional(),
  /** How long it runs before it is saved by itself. Absent: the site's default. Null: without end (operators and admins). */
  minutes: minutesSchema.nullable().optional(),
  /** Absent: the keys of your account. */
  sshPublicKeys: z.array(sshPublicKeySchema).max(20).optional(),
  /** Your home volume: true, and it is refused while another instance has it; false, and it runs without. Absent: with it where it is free. */
  home: z.boolean().optional(),
  /** Register an own machine as a slave with this request (RAS of the formula); false is an opt-out where the site counts them. */
  asSlave: z.boolean().optional(),
}).refine(namesOne, nameOne);
export type CreateInstanceBody = z.output<typeof createInstanceBody>;

/** Long work was accepted: follow the operation (`Location`) until it is no longer pending. */
export const acceptedSchema = z.object({
  instance: instanceSchema,
  operation: operationSchema,
  /** What one should know before relying on it: that it may be suspended, for whom and from when; that one's priority suffers. */
  warnings: z.array(z.string()),
  /** For a pledge: how the machine becomes a host, until when it has to be one. Shown this once. */
  pledge: joinWaySchema.extend({ until: z.iso.datetime() }).nullable(),
});
const accepted = { status: 202, schema: acceptedSchema } as const;

export const createInstance = route({ method: 'post', path: '/instances', summary: 'Launch an instance of an image, of a family, or from a template', action: 'instance.create', body: createInstanceBody, answer: accepted });

export const getLaunchOptions = route({
  method: 'get',
  path: '/launch-options',
  summary: 'For how long a launch of this size fits beside the coming reservations, with which priority, and what it risks',
  action: 'instance.create',
  query: z.object({
    ...runFields,
    vcpus: z.coerce.number().pipe(vcpusSchema).optional(),
    ramMiB: z.coerce.number().pipe(ramMiBSchema).optional(),
    diskMiB: z.coerce.number().pipe(diskMiBSchema).optional(),
    bandwidthMbps: z.coerce.number().pipe(bandwidthMbpsSchema).optional(),
    minSpeed: z.coerce.number().pipe(speedSchema).optional(),
    /** For how long. Absent: the template's time, else the site's default. */
    minutes: z.coerce.number().pipe(minutesSchema).optional(),
    asSlave: flagSchema.optional(),
  }).refine(namesOne, nameOne),
  answer: {
    status: 200,
    schema: z.object({
      /** Whether it could start now, without anybody giving way. */
      fitsNow: z.boolean(),
      /** Of a launch for the time that was asked about. */
      priority: priorityPartsSchema,
      /** Whole hours that coming reservations leave room for, shortest first; a longer launch is lent room that is reserved later. */
      options: z.array(z.object({ minutes: z.int().positive(), end: z.iso.datetime(), priority: priorityPartsSchema })),
      /** Both risks in one sentence: a higher priority, and a reservation that begins. */
      risk: z.string(),
      /** When reserved room is called back from it; null when no reservation is in the way within the longest time one may ask for. */
      keptFrom: z.iso.datetime().nullable(),
      /** What would refuse it or keep it waiting, or that reservations leave no whole hour, and what to do. Null when nothing is in its way. */
      sentence: z.string().nullable(),
    }),
  },
});

export const listInstances = route({
  method: 'get',
  path: '/instances',
  summary: 'Instances, newest first; deleted ones only when asked for by state',
  action: 'instance.list',
  query: pageQuerySchema.extend({
    state: observedStateSchema.optional(),
    userId: idSchema.optional(),
    groupId: idSchema.optional(),
    slaveId: idSchema.optional(),
    /** Those in the recycle bin, or those that are not. */
    recycled: flagSchema.optional(),
  }),
  answer: { status: 200, schema: pageSchema(instanceSchema) },
});

export const getInstance = route({ method: 'get', path: '/instances/:instanceId', summary: 'One instance', action: 'instance.see', params: one, answer: { status: 200, schema: instanceSchema } });

export const getInstanceHistory = route({
  method: 'get',
  path: '/instances/:instanceId/history',
  summary: 'Everything that happened to an instance, newest first',
  action: 'instance.see',
  params: one,
  query: pageQuerySchema,
  answer: { status: 200, schema: pageSchema(instanceTransitionSchema) },
});

export const suspendInstance = route({ method: 'post', path: '/instances/:instanceId/suspend', summary: 'Save an instance with everything open', action: 'instance.operate', params: one, answer: accepted });
export const resumeInstance = route({ method: 'post', path: '/instances/:instanceId/resume', summary: 'Go on where an instance was saved', action: 'instance.operate', params: one, body: newTimeBody, answer: accepted });
export const startInstance = route({ method: 'post', path: '/instances/:instanceId/start', summary: 'Switch an instance on, or try a failed launch again', action: 'instance.operate', params: one, body: newTimeBody, answer: accepted });

export const stopInstance = route({
  method: 'post',
  path: '/instances/:instanceId/stop',
  summary: 'Switch an instance off; its disk is kept',
  action: 'instance.operate',
  params: one,
  body: z.object({
    /** Take the power away at once instead of asking the guest to shut down. */
    force: z.boolean().default(false),
  }).prefault({}),
  answer: accepted,
});

export const resetInstance = route({
  method: 'post',
  path: '/instances/:instanceId/reset',
  summary: 'Begin an instance anew from its image: name, MAC and address stay, its disk and what was saved of it go',
  action: 'instance.operate',
  params: one,
  body: z.object({
    /** From the version of its image’s family that is in production now, instead of its own. */
    toProduction: z.boolean().default(false),
  }).prefault({}),
  answer: accepted,
});

export const deleteInstance = route({
  method: 'delete',
  path: '/instances/:instanceId',
  summary: 'Delete an instance and its disk at once, in whatever state it is; or put one that is saved or off into the recycle bin',
  action: 'instance.operate',
  params: one,
  query: z.object({
    /** Into the recycle bin, from where it can be restored for as long as the site keeps it there. */
    recycle: flagSchema.default(false),
  }),
  answer: accepted,
});

export const restoreInstance = route({ method: 'post', path: '/instances/:instanceId/restore', summary: 'Take an instance out of the recycle bin, as it went in', action: 'instance.operate', params: one, answer: accepted });

export const moveInstance = route({
  method: 'post',
  path: '/instances/:instanceId/move',
  summary: 'Let an instance that is off leave its host: its disk goes to the store, and its next start goes wherever there is room',
  action: 'instance.operate',
  params: one,
  answer: accepted,
});

export const recoverInstance = route({
  method: 'post',
  path: '/instances/:instanceId/recover',
  summary: 'Start an instance whose host was declared dead elsewhere, from its last snapshot; what it did since is lost',
  action: 'instance.operate',
  params: one,
  body: z.object({
    /** Absent: its last one. */
    snapshotId: idSchema.optional(),
  }).prefault({}),
  answer: accepted,
});

export const getSerialLog = route({
  method: 'get',
  path: '/instances/:instanceId/serial-log',
  summary: 'The end of what the guest printed on its serial console',
  action: 'instance.console',
  params: one,
  query: z.object({ tailBytes: z.coerce.number().int().min(1).max(256 * 1024).default(64 * 1024) }),
  answer: { status: 200, contentType: 'text/plain; charset=utf-8' },
});

export const getScreenshot = route({
  method: 'get',
  path: '/instances/:instanceId/screenshot',
  summary: 'The guest’s screen now',
  action: 'instance.console',
  params: one,
  answer: { status: 200, contentType: 'image/png' },
});
