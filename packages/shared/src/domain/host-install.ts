import { z } from 'zod';
import { idSchema } from '../ids';
import { slaveKindSchema } from './slave';

/** What is done to a host by SSH: the agent is put on it or brought up to date, or taken off again. */
export const hostInstallPurposeSchema = z.enum(['install', 'remove']);
export type HostInstallPurpose = z.infer<typeof hostInstallPurposeSchema>;

export const hostInstallStateSchema = z.enum(['running', 'succeeded', 'failed', 'cancelled', 'interrupted']);
export type HostInstallState = z.infer<typeof hostInstallStateSchema>;

export const hostInstallStateMeanings: Readonly<Record<HostInstallState, string>> = {
  running: 'under way, or waiting for its turn',
  succeeded: 'every step is done',
  failed: 'a step could not be done; begun again it goes on where it was',
  cancelled: 'somebody ended it; begun again it goes on where it was',
  interrupted: 'the master was started anew meanwhile; begun again it goes on where it was',
};

/** Who starts the agent: `unsupervised` where no systemd runs, and then nobody does it again after a reboot. */
export const agentStartSchema = z.enum(['systemd', 'unsupervised']);
export type AgentStart = z.infer<typeof agentStartSchema>;

/** In the order in which they are taken. */
export const hostInstallSteps = {
  install: ['connect', 'login', 'look', 'packages', 'upload', 'switch', 'units', 'enrol', 'start', 'seen'],
  remove: ['connect', 'login', 'look', 'retire', 'remove'],
} as const satisfies Readonly<Record<HostInstallPurpose, readonly string[]>>;

export const hostInstallStepNameSchema = z.enum(['connect', 'login', 'look', 'packages', 'upload', 'switch', 'units', 'enrol', 'start', 'seen', 'retire', 'remove']);
export type HostInstallStepName = z.infer<typeof hostInstallStepNameSchema>;

export const hostInstallStepSchema = z
  .object({
    step: hostInstallStepNameSchema,
    /** `skipped`: it was as it should be already. */
    state: z.enum(['waiting', 'running', 'done', 'skipped', 'failed']),
    /** What is done, what came of it, or why it failed and the way out. */
    sentence: z.string(),
    /** Of an upload; null for steps that have no measure. */
    percent: z.int().min(0).max(100).nullable(),
    startedAt: z.iso.datetime().nullable(),
    endedAt: z.iso.datetime().nullable(),
  })
  .readonly();
export type HostInstallStep = z.infer<typeof hostInstallStepSchema>;

/** What was found when the host was looked at. A fault ends the installation before anything on the host was changed. */
export const hostFindingSchema = z
  .object({
    /** distribution, clock, disk, … */
    check: z.string(),
    level: z.enum(['fine', 'warning', 'fault']),
    sentence: z.string(),
    /** The way out; null where none is needed. */
    remedy: z.string().nullable(),
  })
  .readonly();
export type HostFinding = z.infer<typeof hostFindingSchema>;

export const hostInstallSchema = z
  .object({
    id: idSchema,
    purpose: hostInstallPurposeSchema,
    /** As it was asked for. */
    address: z.string(),
    port: z.int(),
    user: z.string(),
    /** How the host is to be called; null: as it calls itself. */
    name: z.string().nullable(),
    /** How the host was to be installed; null: it is removed, or this was not kept then. */
    slaveKind: slaveKindSchema.nullable(),
    /** Whose machine it was to be; null: one of the lab, it is removed, or this was not kept then. */
    ownerUserId: idSchema.nullable(),
    preapproved: z.boolean().nullable(),
    start: agentStartSchema.nullable(),
    /** Whether a removal was to leave the packages there; null: it is installed, or this was not kept then. */
    keepPackages: z.boolean().nullable(),
    state: hostInstallStateSchema,
    /** How it stands. */
    sentence: z.string(),
    /** The host in the books, once it is known. */
    slaveId: idSchema.nullable(),
    steps: z.array(hostInstallStepSchema),
    findings: z.array(hostFindingSchema),
    createdByUserId: idSchema,
    createdAt: z.iso.datetime(),
    endedAt: z.iso.datetime().nullable(),
  })
  .readonly();
export type HostInstall = z.infer<typeof hostInstallSchema>;
