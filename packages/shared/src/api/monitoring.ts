import { z } from 'zod';
import { admissionSchema, livenessSchema, slaveKindSchema } from '../domain/slave';
import { idSchema } from '../ids';
import { flagSchema } from './flag';
import { pageQuerySchema, pageSchema } from './page';
import { route } from './route';

const amount = z.int().nonnegative();

/** Of something a host lends: what may be promised in all, and what is promised to machines. */
const lentSchema = z.object({ lent: amount, promised: amount }).readonly();
/** The same, and what the host says is free now, whoever uses the rest. */
const measuredSchema = z.object({ lent: amount, promised: amount, available: amount }).readonly();

/**
 * What people were promised and do not get.
 *   atRisk  reservations that hold room and of which some machines have no slave to run on
 *   late    machines claimed from a reservation whose time has begun, which still wait to run
 *   lost    machines that were seen lost in the last 24 hours, back or not
 *   short   machines that get less of a processor than their due now
 * A no-show is nobody's fault but the person's, and is not in it.
 */
const violationsSchema = z.object({ atRisk: amount, late: amount, lost: amount, short: amount }).readonly();
export type Violations = z.infer<typeof violationsSchema>;

/** An image, and how many machines of it are there; `running`: so many of them run. */
const applicationSchema = z.object({ imageId: idSchema, name: z.string(), deployed: amount, running: amount }).readonly();
export type Application = z.infer<typeof applicationSchema>;

const useSchema = z.object({
  /** Machines that are there, running or not, and how many of them run. */
  deployed: amount,
  running: amount,
  /** People who are connected to a machine now, each once. */
  usersConnected: amount,
  connectionsUsed: amount,
  connectionsMost: amount,
  vcpus: lentSchema,
  ramMiB: measuredSchema,
  diskMiB: measuredSchema,
  violations: violationsSchema,
});

export const monitoredSlaveSchema = useSchema
  .extend({
    id: idSchema,
    name: z.string(),
    kind: slaveKindSchema,
    admission: admissionSchema,
    liveness: livenessSchema,
    /** Whether it is given guests now. */
    takesGuests: z.boolean(),
    /** Whether something is to be mended there: it warns of something, or its hypervisor does not work. */
    troubled: z.boolean(),
    /** How it stands, or why it is given none. */
    sentence: z.string(),
    /** By name. */
    applications: z.array(applicationSchema),
    /** Megabits per second. `lent`: of its fastest link; null when the host does not tell. */
    bandwidthMbps: z.object({ lent: amount.nullable(), promised: amount }).readonly(),
    /** Cores of the host, and relative to the project's reference machine their speed. */
    cores: amount,
    relativeSpeed: z.number().positive(),
    /** One-minute load average, as it said last. */
    load1: z.number().nonnegative(),
  })
  .readonly();
export type MonitoredSlave = z.infer<typeof monitoredSlaveSchema>;

export const monitoredSiteSchema = useSchema
  .extend({
    slaves: amount,
    /** Those that are given guests now: what is lent, promised and available is summed over them. */
    slavesTakingGuests: amount,
    queued: amount,
  })
  .readonly();
export type MonitoredSite = z.infer<typeof monitoredSiteSchema>;

export const getMonitoring = route({
  method: 'get',
  path: '/monitoring',
  summary: 'What runs where, who is connected, what is used and promised of every host, and what people do not get',
  action: 'monitoring.see',
  answer: {
    status: 200,
    schema: z.object({
      at: z.iso.datetime(),
      site: monitoredSiteSchema,
      /** In the order of their names; retired ones are not there. */
      slaves: z.array(monitoredSlaveSchema),
    }),
  },
});

/** Null: nobody heard of it then. */
const points = z.array(z.number().nullable());

export const historySchema = z
  .object({
    /** Of each point, in seconds since 1970, oldest first; all the rest have one value for each of them. */
    at: z.array(z.int().nonnegative()),
    vcpusPromised: points,
    load1: points,
    ramPromisedMiB: points,
    ramUsedMiB: points,
    running: points,
    connections: points,
    users: points,
  })
  .readonly();
export type History = z.infer<typeof historySchema>;

export const getMonitoringHistory = route({
  method: 'get',
  path: '/monitoring/history',
  summary: 'The last hours of a host, or of the whole site, one point a minute or fewer. In the memory of the master: it begins anew when that does',
  action: 'monitoring.see',
  query: z.object({
    /** Absent: the site. */
    slaveId: idSchema.optional(),
    hours: z.coerce.number().int().min(1).max(24).default(6),
  }),
  answer: {
    status: 200,
    schema: z.object({
      /** Since when there is something. */
      since: z.iso.datetime(),
      /** Why there is less than was asked for; null when there is not. */
      sentence: z.string().nullable(),
      history: historySchema,
    }),
  },
});

/** A time in which an instance got less of a processor than its due (docs/monitoring.md). */
export const slaViolationSchema = z
  .object({
    id: idSchema,
    instanceId: idSchema,
    instanceName: z.string(),
    slaveId: idSchema,
    beganAt: z.iso.datetime(),
    /** Null while it lasts. */
    endedAt: z.iso.datetime().nullable(),
    /** The part of its due that it wanted and did not get when it was worst: 0 to 1. */
    worstMissing: z.number().min(0).max(1),
    sentence: z.string(),
  })
  .readonly();
export type SlaViolationAnswer = z.infer<typeof slaViolationSchema>;

export const listSlaViolations = route({
  method: 'get',
  path: '/sla-violations',
  summary: 'When my instances got less of a processor than their due, newest first; for who runs the site, those of everybody',
  action: 'instance.list',
  query: pageQuerySchema.extend({
    instanceId: idSchema.optional(),
    slaveId: idSchema.optional(),
    /** Only those that last, or only those that are over. */
    open: flagSchema.optional(),
  }),
  answer: { status: 200, schema: pageSchema(slaViolationSchema) },
});
