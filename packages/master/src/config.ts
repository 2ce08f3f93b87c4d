import { ramMiBSchema, vcpusSchema } from '@paravcl/shared/domain/limits';
import { siteNetworkSchema, type SiteNetwork } from '@paravcl/shared/domain/slave';
import { hostname } from 'node:os';
import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { agingOptions } from './config-aging';
import { fabricOptions } from './config-fabric';
import { gatewayOptions } from './config-gateway';
import { hostInstallOptions } from './config-host-installs';
import { imageOptions } from './config-images';
import { mailOptions, participationOptions, peopleOptions, quotaOptions } from './config-people';
import { portalOptions } from './config-portal';
import { presetOption, withPreset } from './config-presets';
import { insideGuestNetwork, publicOptions } from './config-public';
import { reservationOptions } from './config-reservations';
import { placementOptions, preemptionOptions, priorityOptions, slaOptions } from './config-scheduling';
import { absolutePath, count, hostOrAddress, timeZone } from './config-values';
import { networkOf, privateIpv4Network } from './site-network';

/**
 * Everything an administrator can set, with its default (DEFINITIONS, "Defaults"). Durations carry their
 * unit in the name. Secrets stand in files of their own, which are named here.
 */
const options = z
  .strictObject({
    /** Options that are set together under what is written here. */
    preset: presetOption,
    /** Where the master keeps what must survive: its CA, images, the private database. */
    stateDir: absolutePath.default('/var/lib/paravcl'),
    site: z.strictObject({ name: z.string().min(1).max(100).default('ParaVCL'), timeZone: timeZone.default('UTC') }).prefault({}),
    listen: z.strictObject({ host: hostOrAddress.default('0.0.0.0'), port: count(1, 65535).default(8443) }).prefault({}),
    /** How people and agents reach the master; by default this machine's name and the port. */
    publicUrl: z.url({ protocol: /^https$/, error: 'must be an https:// address' }).optional(),
    tls: z
      .strictObject({
        /** A certificate of your own, PEM, with its chain; without it the master is its own CA. */
        certFile: absolutePath.optional(),
        keyFile: absolutePath.optional(),
        /** The CA that agents shall trust for `certFile`, when it is not a public one. */
        caFile: absolutePath.optional(),
        /** More names and addresses for the certificate of the own CA. */
        names: z.array(hostOrAddress).max(50).default([]),
      })
      .prefault({})
      .refine((tls) => (tls.certFile === undefined) === (tls.keyFile === undefined), 'certFile and keyFile go together: set both or none')
      .refine((tls) => tls.caFile === undefined || tls.certFile !== undefined, 'caFile belongs to a certFile: set both or none'),
    database: z
      .strictObject({
        /**
         * mysql://user@host:port/database, or mysql://user@localhost/database?socket=/run/mysqld/mysqld.sock.
         * Without it the master runs a private MariaDB of its own.
         */
        dsn: z.string().max(1000).superRefine(checkDsn).optional(),
        passwordFile: absolutePath.optional(),
        /** The CA of the database server; with it the connection is encrypted and checked. */
        caFile: absolutePath.optional(),
        poolSize: count(4, 200).default(10),
      })
      .prefault({})
      .refine((database) => database.dsn !== undefined || (database.passwordFile === undefined && database.caFile === undefined), 'passwordFile and caFile belong to a dsn'),
    /** The guests' private network, the same on every slave. The gateway is its first address. */
    network: z
      .strictObject({
        name: siteNetworkSchema.unwrap().shape.name.default('paravcl'),
        bridge: siteNetworkSchema.unwrap().shape.bridge.default('pvcl0'),
        cidr: privateIpv4Network.default('10.77.0.0/16'),
      })
      .prefault({}),
    fleet: z
      .strictObject({
        heartbeatSeconds: count(1, 300).default(5),
        suspectAfterSeconds: count(2, 3600).default(15),
        lostAfterSeconds: count(3, 86_400).default(60),
        /** What a slave from another address than the enrolled one means: refused, reported, nothing. */
        addressCheck: z.enum(['strict', 'warn', 'off']).default('warn'),
      })
      .prefault({})
      .refine((fleet) => fleet.heartbeatSeconds < fleet.suspectAfterSeconds, 'heartbeatSeconds must be below suspectAfterSeconds')
      .refine((fleet) => fleet.suspectAfterSeconds < fleet.lostAfterSeconds, 'suspectAfterSeconds must be below lostAfterSeconds'),
    /** How slaves are emptied: so many of their instances are saved or moved at a time, and whether those go as they run whose RAM QEMU may damage on the way. */
    slaves: z.strictObject({ evacuateAtOnce: count(1, 32).default(2), migrateEmulated: z.boolean().default(false) }).prefault({}),
    login: z
      .strictObject({
        failuresPerAccount: count(3, 1000).default(10),
        accountWindowMinutes: count(1, 1440).default(15),
        /** A whole class may share one address. */
        failuresPerAddressPerMinute: count(10, 100_000).default(300),
      })
      .prefault({}),
    sessions: z
      .strictObject({ idleMinutes: count(5, 43_200).default(480), absoluteHours: count(1, 720).default(24) })
      .prefault({})
      .refine((sessions) => sessions.idleMinutes <= sessions.absoluteHours * 60, 'idleMinutes must not exceed absoluteHours'),
    /** How long the books are kept once nothing is left to do with an entry. */
    retention: z
      .strictObject({
        commandsDays: count(1, 36_500).default(30),
        /** Operations that are over; pending ones stay. */
        operationsDays: count(1, 36_500).default(30),
        /** Setup and password tokens, after they expired. */
        oneTimeTokensDays: count(1, 36_500).default(1),
        /** Join tokens, after they were used, revoked or expired. */
        joinTokensDays: count(1, 36_500).default(30),
        eventsDays: count(1, 36_500).default(365),
        /** An instance and its history, after it was deleted. */
        deletedInstancesDays: count(1, 36_500).default(90),
        /** Why something was placed, refused, moved or suspended. */
        decisionsDays: count(1, 36_500).default(90),
        /** What it was decided from, to make it again: the pool and what changes in it, so it grows much faster. At most as long as the decisions. */
        decisionInputsDays: count(1, 36_500).default(14),
        noticesDays: count(1, 36_500).default(90),
        /** This is about instances themselves: how long they may lie unused. */
        instances: agingOptions,
      })
      .prefault({}),
    /**
     * How long an instance may stay in a transitional state before the master calls it failed. The agent gives a guest
     * 2 minutes to shut down and 3 to take its address, whatever stands here, so those two cannot be set below; a minute is added to the first for taking the power away.
     */
    deadlines: z
      .strictObject({
        preparingMinutes: count(1, 1440).default(15),
        bootingMinutes: count(4, 1440).default(5),
        suspendingMinutes: count(1, 1440).default(5),
        resumingMinutes: count(1, 1440).default(5),
        stoppingMinutes: count(2, 1440).default(2),
      })
      .prefault({}),
    placement: placementOptions,
    priority: priorityOptions,
    preemption: preemptionOptions,
    sla: slaOptions,
    reservations: reservationOptions,
    participation: participationOptions,
    quotas: quotaOptions,
    people: peopleOptions,
    gateway: gatewayOptions,
    publicAddresses: publicOptions,
    fabric: fabricOptions,
    mail: mailOptions,
    /** What an image that names no sizes of its own is launched with, and the user cloud-init makes. */
    guests: z
      .strictObject({
        vcpus: vcpusSchema.default(1),
        ramMiB: ramMiBSchema.default(512),
        user: z.string().regex(/^[a-z][a-z0-9_-]{0,31}$/, 'must be a Linux user name').default('lab'),
      })
      .prefault({}),
    /**
     * How long an instance runs before it is saved by itself: what students and teachers may ask for, and what
     * everybody gets who does not ask. Operators and administrators may ask for any time, and for no end.
     */
    instances: z
      .strictObject({ minMinutes: count(1, 527_040).default(60), maxMinutes: count(1, 527_040).default(300), defaultMinutes: count(1, 527_040).default(120) })
      .prefault({})
      .refine(({ minMinutes, defaultMinutes }) => minMinutes <= defaultMinutes, 'minMinutes must not exceed defaultMinutes')
      .refine(({ maxMinutes, defaultMinutes }) => defaultMinutes <= maxMinutes, 'defaultMinutes must not exceed maxMinutes'),
    /** What one student or teacher may have at a time. */
    limits: z.strictObject({ instancesPerUser: count(1, 100_000).default(20) }).prefault({}),
    /** A home volume is a disk of a person's own that goes with whatever they run. 0: only whom an operator gives one. */
    homes: z.strictObject({ sizeMiB: count(0, 524_288).default(0) }).prefault({}),
    images: imageOptions,
    uploads: z.strictObject({ maxGiB: z.number().positive().max(16_384).default(64) }).prefault({}),
    logLevel: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
    /** A file with the token that /metrics asks for; without it only this machine may read them, and not through a proxy. */
    metrics: z.strictObject({ tokenFile: absolutePath.optional() }).prefault({}),
    portal: portalOptions,
    hostInstalls: hostInstallOptions,
  })
  .superRefine(({ network, publicAddresses }, context) => {
    const inside = insideGuestNetwork(publicAddresses, network.cidr);
    if (inside === null) return;
    context.addIssue({ code: 'custom', path: ['publicAddresses', 'addresses'], message: `${inside} is in the guest network ${network.cidr}: public addresses are of the network outside` });
  })
  .transform(({ publicUrl, network, ...config }) => ({
    ...config,
    /** Without a slash at its end. */
    publicUrl: (publicUrl ?? `https://${hostname()}:${String(config.listen.port)}`).replace(/\/+$/, ''),
    network: { name: network.name, bridge: network.bridge, ...networkOf(network.cidr) } satisfies SiteNetwork,
  }))
  .readonly();

/** The options with the preset they name laid under them, checked and complete. */
export const configSchema = z.preprocess(withPreset, options);

/** The master's configuration, complete and within its limits. */
export type MasterConfig = z.output<typeof configSchema>;

function checkDsn(dsn: string, context: z.RefinementCtx<string>): void {
  if (!URL.canParse(dsn)) {
    context.addIssue({ code: 'custom', message: 'must be mysql://user@host:port/database' });
    return;
  }
  const url = new URL(dsn);
  if (url.protocol !== 'mysql:' && url.protocol !== 'mariadb:') context.addIssue({ code: 'custom', message: 'must begin with mysql://' });
  if (url.password !== '') context.addIssue({ code: 'custom', message: 'must not hold the password: put it into a file and name that as passwordFile' });
  if (url.username === '') context.addIssue({ code: 'custom', message: 'must name the user: mysql://user@host:port/database' });
  for (const [name, value] of url.searchParams) {
    if (name !== 'socket' || !isAbsolute(value)) context.addIssue({ code: 'custom', message: 'may only be followed by ?socket=/absolute/path' });
  }
  if (!/^\/[A-Za-z0-9_$-]{1,64}$/.test(url.pathname)) context.addIssue({ code: 'custom', message: 'must name the database after the host: mysql://user@host:port/database' });
}
