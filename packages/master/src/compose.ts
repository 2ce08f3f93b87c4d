import type { Clock } from '@paravcl/shared/clock';
import type { Express } from 'express';
import type { Knex } from 'knex';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { composeConsoles } from './compose-consoles';
import { composeEvacuations } from './compose-evacuations';
import { composeFabric } from './compose-fabric';
import { composeHostInstalls } from './compose-host-installs';
import { composeHomes } from './compose-homes';
import { composeImageRepository } from './compose-image-repository';
import { composeMetrics } from './compose-metrics';
import { composeMirrors } from './compose-mirrors';
import { composePeople } from './compose-people';
import { composePreCopy } from './compose-pre-copy';
import { composePublicMappings } from './compose-public';
import { composeScheduling } from './compose-scheduling';
import { composeSite } from './compose-site';
import { composeSnapshots } from './compose-snapshots';
import { composeSsh, type ComposedSsh } from './compose-ssh';
import type { MasterConfig } from './config';
import type { ConfigSource } from './config-file';
import { MysqlUnitOfWork } from './db/mysql-unit-of-work';
import { agentDeltaRoutes } from './http/agent-delta-routes';
import { agentRoutes, agentRoutesPath } from './http/agent-routes';
import { createApp } from './http/app';
import type { BoundRoute } from './http/binding';
import { documentRoutes } from './http/document-routes';
import { eventRoutes } from './http/event-routes';
import { healthRoutes } from './http/health-routes';
import { idempotencyStore } from './http/idempotency-store';
import { instanceRoutes } from './http/instance-routes';
import { commandLineFileRoutes, commandLineRoutes } from './http/command-line-routes';
import { joinRoutes } from './http/join-routes';
import { joinTokenRoutes } from './http/join-token-routes';
import { monitoringRoutes } from './http/monitoring-routes';
import { operationRoutes } from './http/operation-routes';
import { readPortal } from './http/portal-files';
import { portalHandler } from './http/portal-handler';
import { slaveRoutes } from './http/slave-routes';
import { storeRoutes } from './http/store-routes';
import { AgingJob, agingEveryMs } from './jobs/aging-job';
import { DeadlineJob } from './jobs/deadline-job';
import { EndingJob } from './jobs/ending-job';
import { FleetStoreJob, fleetStoreEveryMs } from './jobs/fleet-store-job';
import { HousekeepingJob, housekeepingEveryMs } from './jobs/housekeeping-job';
import { LivenessJob } from './jobs/liveness-job';
import { PastUsageJob, pastUsageEveryMs } from './jobs/past-usage-job';
import { repeat, type Job } from './jobs/periodic';
import { ResendJob } from './jobs/resend-job';
import { StoreSweepJob, storeSweepLookMs } from './jobs/store-sweep-job';
import { lockCalendar } from './services/calendar-lock';
import { dependable } from './services/dependable-placement';
import { AgentPackages, packageBesideMaster } from './services/agent-package';
import { ChangeFeed } from './services/change-feed';
import { EnrolmentService } from './services/enrolment-service';
import { FleetPulse } from './services/fleet-pulse';
import { MonitoringService, sampleEveryMs } from './services/monitoring-service';
import { HelloService } from './services/hello-service';
import { InstanceConsoleService } from './services/instance-console-service';
import { CommandLineFile } from './services/command-line-file';
import { JoinScript } from './services/join-script';
import { JoinTokenService } from './services/join-token-service';
import { ObservationService } from './services/observation-service';
import type { IssuedToken } from './services/one-time-tokens';
import { OperationService } from './services/operation-service';
import { QuietFleet } from './services/quiet-fleet';
import { RefusalLimiter } from './services/refusal-limiter';
import { SchedulingService } from './services/scheduling-service';
import { SlaService, slaEveryMs } from './services/sla-service';
import { registerSiteMetrics } from './services/site-metrics';
import { SlaveService } from './services/slave-service';
import { StoreService } from './services/store-service';
import { unknownGroups } from './services/unknown-groups';
import { WorkingWorld } from './services/working-world';
import { settingsFromConfig } from './settings-from-config';
import { backendOf } from './store/backend-of';
import { ChunkStore } from './store/chunk-store';
import { ContentReader } from './store/content-reader';
import { ImageConversion } from './store/image-conversion';
import { ImageIntake } from './store/image-intake';
import { ImageStore } from './store/image-store';
import { StoreDamaged } from './store/manifest-shelf';
import { CommittedChanges } from './repositories/committed-changes';
import { StorageRoom } from './store/storage-room';
import type { ServerIdentity } from './tls/server-identity';
import { AgentCommands } from './ws/agent-commands';
import type { UpgradeDoor } from './http/refused-upgrade';
import { AgentGateway } from './ws/agent-gateway';
import { AgentSessions } from './ws/agent-sessions';
import { FeedDoor } from './ws/feed-door';
import { defaultLimits, linkTimings } from './ws/link-settings';
import { StreamDoor } from './ws/stream-door';
import { StreamRelay } from './ws/stream-relay';

const hourMs = 3_600_000;
const livenessEveryMs = 1000;
const deadlinesEveryMs = 2000;
const endingsEveryMs = 1000;
const resendEveryMs = 5000;
const sessionWatchEveryMs = 500;
const refusedEnrolments = { refusals: 30, windowMs: 60_000 };

/** What the composed parts stand on. */
export interface Foundation {
  readonly config: MasterConfig;
  readonly source: ConfigSource;
  readonly db: Knex;
  readonly together: Knex;
  readonly identity: ServerIdentity;
  readonly metricsToken: string | null;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The master's parts, wired; nothing runs before `start`. */
export interface Composition {
  readonly app: Express;
  /** Where agents and mirrors come in, on the port of the app. */
  readonly doors: readonly (UpgradeDoor & { close(): void })[];
  /** Where people come in by SSH, on a port of its own. */
  readonly ssh: Pick<ComposedSsh, 'listen' | 'close'>;
  /** False until the first administrator has been made. */
  hasAdmin(): Promise<boolean>;
  /** The token with which the first administrator is made; null when there is one, or a token that can still be used. */
  firstSetupToken(): Promise<IssuedToken | null>;
  /** Starts the jobs and the scheduling loop. */
  start(): void;
  /** The certificate was renewed: it lasts until then. */
  certificateLasts(until: Date): void;
  /** From here on `/readyz` says no. */
  refuse(): void;
  /** Stops what `start` started; the database is still there, and what is only in memory is written. */
  stop(): Promise<void>;
}

/** Wires every part of the master, and mends in the database what a killed master left half done. */
export async function compose({ config, source, db, together, identity, metricsToken, clock, log }: Foundation): Promise<Composition> {
  const onFault = (part: string) => (error: unknown) => { log.error({ err: error, part }, 'a round failed; the next one tries again'); };
  const configured = settingsFromConfig(config);
  const onStoreFault = (error: unknown): void => {
    const isDamage = error instanceof StoreDamaged;
    log.error({ err: error, part: 'store' }, isDamage ? 'the chunk store lacks what images need, or it is damaged there; the error says what to do' : 'work on the chunk store failed; a sweep or verification that was asked for may be begun anew');
  };
  const onPlacementFault = (error: unknown): void => { log.error({ err: error, placement: config.placement.policy }, 'the placement module failed; para places until the master is started anew'); };
  const settings = { ...configured, scheduling: { ...configured.scheduling, placement: dependable(configured.scheduling.placement, onPlacementFault) } };
  const imagesDirectory = join(config.stateDir, 'images');
  const room = new StorageRoom(config.database.dsn === undefined ? join(config.stateDir, 'mariadb') : null, imagesDirectory, clock, log);
  const changes = new CommittedChanges();
  const unit = new MysqlUnitOfWork(db, clock, room, changes, together);
  const siteId = await unit.read.settings.siteId(clock.now());

  const people = composePeople({ unit, clock, siteName: config.site.name, settings });
  const { sessions, sessionWatch, registrations, authenticate } = people;

  // the link to the agents, and what plans over it
  const pulse = new FleetPulse(clock);
  const commands = new AgentCommands(unit, clock, log);
  const { registry: metrics, work, onRecovery, onImpossible, gauges } = composeMetrics(log);
  const chunks = new ChunkStore(await backendOf(config.images.store, join(config.stateDir, 'chunks')));
  for (const strange of await chunks.open()) log.warn(strange, 'something in the chunk store is none of it, or damaged; it is left alone');
  const mirrors = composeMirrors({ unit, clock, log, siteId, addressCheck: config.fleet.addressCheck, store: chunks, metrics, onFault: onFault('mirrors') });
  const agents: AgentSessions = new AgentSessions(commands, (slaveId, sentence) => {
    mirrors.fleet.shutOut(slaveId, sentence);
    streams.shutOut(slaveId);
  });
  const streams = new StreamRelay({ agents, clock, log });
  const world = new WorkingWorld({ read: unit.read, changes, agents, figures: pulse, scheduling: settings.scheduling, onDrift: work.drifted });
  const scheduler = new SchedulingService({
    unitOfWork: unit, agents, clock, settings: settings.instances, scheduling: settings.scheduling, world, onFault: onFault('scheduling'), onRecovery, onRound: work.scheduled,
  });
  const reports = new ObservationService({
    unitOfWork: unit, agents, scheduler, clock, settings: settings.instances, onFault: onFault('reports'), onRecovery,
    onMigration: () => { evacuations.migrations.wake(); },
    onImpossible,
  });
  const sla = new SlaService({ unitOfWork: unit, clock, rules: settings.sla });
  const gateway = new AgentGateway({
    clock, sessions: agents, reports: new QuietFleet(reports, scheduler, unit), pulse, unitOfWork: unit, log,
    hellos: new HelloService(unit, clock, config.fleet.addressCheck),
    onGuests: (slaveId, guests, at) => { sla.hear(slaveId, guests, at); },
    settings: {
      siteId,
      network: config.network,
      timings: linkTimings({ heartbeatMs: settings.heartbeatMs, lostAfterMs: settings.liveness.lostAfterMs }),
      limits: defaultLimits,
    },
  });

  // slaves, images, instances
  const slaves = new SlaveService(unit, clock, agents, reports, pulse, settings.liveness, settings.scheduling);
  const packages = new AgentPackages(config.hostInstalls.packageDirectory ?? packageBesideMaster);
  const joinScript = new JoinScript(packages, { url: config.publicUrl, siteId, caPem: identity.caPem, caFingerprint: identity.caFingerprint });
  const commandLine = new CommandLineFile({ url: config.publicUrl, caFingerprint: identity.caFingerprint });
  const joinTokens = new JoinTokenService(unit, clock, { url: config.publicUrl, caFingerprint: identity.caFingerprint }, () => joinScript.oneLine());
  const enrolmentLimiter = new RefusalLimiter(clock, refusedEnrolments);
  const uploads = new ImageStore(imagesDirectory);
  const repository = composeImageRepository({
    unit, clock, uploads,
    intake: new ImageIntake(uploads, chunks, new ImageConversion()),
    reader: new ContentReader(chunks, (manifest, index, error) => {
      log.warn({ err: error, manifest, index }, 'a content could not be given: a chunk of it is damaged or missing in the store');
      mirrors.missed(manifest, index);
    }),
    mirrors: mirrors.fleet,
    defaults: settings.instances.defaults,
    largestUploadBytes: settings.largestUploadBytes,
    importDirectories: config.images.importDirectories,
    onFault: onFault('images'),
  });
  const storeService = new StoreService({
    store: chunks, mirrors: mirrors.fleet, unitOfWork: unit, clock, onFault: onStoreFault,
    // In this order: a snapshot that becomes images in between is among the ones or the others.
    live: async () => [...(await unit.read.snapshots.manifestIds()), ...(await unit.read.imageContents.manifestIds())], graceMs: config.images.sweep.graceHours * hourMs,
  });
  const preCopy = composePreCopy({ unit, clock, fleet: mirrors.fleet, patterns: mirrors.patterns, policy: config.images.preCopy, timeZone: config.site.timeZone });
  const scheduling = composeScheduling({ unit, clock, agents, figures: pulse, world, scheduler, joinTokens, settings, siteName: config.site.name, preCopy: preCopy.calendar, onFault });
  const { instances } = scheduling;
  const consoles = new InstanceConsoleService(unit, agents, config.site.timeZone, clock);
  const feed = new ChangeFeed({ changes, books: unit.read.feed, clock, onFault: onFault('feed') });
  const guests = composeConsoles({
    unit, clock, log, agents, relay: streams, sessions: sessionWatch, gateway: config.gateway, timeZone: config.site.timeZone, onFault: onFault('connections'),
    onOpened: work.connected, onChange: (id, seenBy) => { feed.changed('connections', id, seenBy); },
  });
  const { connections } = guests;
  const monitoring = new MonitoringService({ unitOfWork: unit, clock, world, connections, connectionsPerSlave: config.gateway.maxConnectionsPerSlave });
  const homes = composeHomes({ unit, clock, agents, settings: settings.instances, uploads, store: chunks, onFault: onFault('homes') });
  const snapshots = composeSnapshots({
    unit, clock, agents, scheduler, instances, verbs: scheduling.verbs, quotas: settings.quotas, uploads, store: chunks, mirrors: mirrors.fleet, settings: settings.instances, policy: config.images.snapshots, alsoWaiting: homes.returning, onFault: onFault('snapshots'),
  });

  const evacuations = composeEvacuations({
    unitOfWork: unit, agents, clock, slaves, relocation: snapshots.relocation, verbs: scheduling.verbs, settings: settings.instances, atOnce: settings.evacuateAtOnce, migrateEmulated: settings.migrateEmulated,
    world, lines: streams, scheduler, scheduling: settings.scheduling, onFault: onFault('live-migrations'),
  });

  const publicMappings = composePublicMappings({ unitOfWork: unit, agents, clock, settings: settings.instances, pool: config.publicAddresses, onFault: onFault('public-mappings') });
  const fabric = composeFabric({ config, log, unit, clock, instances, agents, figures: pulse, limits: settings.scheduling, maxMinutes: settings.instances.minutes.max });
  const hostInstalls = composeHostInstalls({ unit, clock, options: config.hostInstalls, release: () => packages.read(), master: { url: config.publicUrl, caFingerprint: identity.caFingerprint }, joinTokens, slaves, onFault: onFault('host-installs') });
  const ssh = await composeSsh({ config, unit, clock, log, sessions, relay: streams, connections, onLogin: work.sshLoggedIn });

  // The row must be there before anybody shares it.
  await unit.transaction(lockCalendar);

  const strangers = await unknownGroups(unit.read, settings);
  if (strangers.length > 0) log.warn({ groups: strangers }, 'the configuration names groups that do not exist: what it sets for them holds once a group of that name is made');

  // starting is recovering
  await commands.recover();
  await repository.images.recover();
  await hostInstalls.installs.recover();

  let serving = true;
  const isReady = async (): Promise<boolean> => serving && (await db.raw('SELECT 1').then(() => true, () => false)) && (await room.isThere());
  let certificateUntil = identity.validUntil.getTime();
  gauges(gateway);
  registerSiteMetrics(metrics, {
    clock, monitoring, connections, isReady, storeDirectory: imagesDirectory, books: unit.read.monitoring, feedListeners: () => feed.size, certificateUntil: () => certificateUntil, onFault: onFault('metrics'),
  });
  const routes: readonly BoundRoute[] = [
    ...people.routes(scheduling.claims),
    ...composeSite({ unit, config, source, instances: settings.instances }),
    ...slaveRoutes(slaves),
    ...joinTokenRoutes(joinTokens),
    ...commandLineRoutes(commandLine),
    ...hostInstalls.routes,
    ...repository.routes,
    ...preCopy.routes,
    ...storeRoutes(storeService),
    ...instanceRoutes(instances, consoles, scheduling.forecast),
    ...guests.routes,
    ...snapshots.routes,
    ...evacuations.routes,
    ...homes.routes,
    ...publicMappings.routes,
    ...fabric.routes,
    ...scheduling.routes,
    ...monitoringRoutes(monitoring, sla),
    ...operationRoutes(new OperationService(unit)),
    ...eventRoutes({ unit }),
    ...ssh.routes,
  ];
  const { directory } = config.portal;
  const portal = directory === null ? null : await readPortal(directory);
  if (portal === null) log.info({ directory }, directory === null ? 'there is no portal, as portal.directory says; / leads to the API' : 'there is no portal in portal.directory; / leads to the API');
  const app = createApp({
    routes: [...routes, ...documentRoutes(routes.map(({ contract }) => contract))],
    routers: [
      { path: '/', router: healthRoutes({ isReady, clock, metrics, metricsToken }) },
      { path: '/', router: joinRoutes({ unitOfWork: unit, clock, script: joinScript, packages, limiter: enrolmentLimiter }) },
      { path: '/', router: commandLineFileRoutes(commandLine) },
      {
        path: agentRoutesPath,
        router: agentRoutes({
          enrolments: new EnrolmentService(unit, clock, siteId),
          limiter: enrolmentLimiter,
          holders: agents,
          findImage: (imageId, slaveId) => repository.contents.findFor(slaveId, imageId),
          images: repository.contents,
        }),
      },
      { path: agentRoutesPath, router: agentDeltaRoutes({ holders: agents, deltas: snapshots.deltas, clock }) },
      ...fabric.routers,
    ],
    authenticate,
    idempotency: idempotencyStore(unit.read.idempotencyKeys, clock, onRecovery),
    checkAnswers: false,
    portal: portal === null ? null : portalHandler(portal),
    log,
    onAnswered: work.answered,
  });

  const fleetStore = new FleetStoreJob(unit, pulse);
  const jobs: readonly (readonly [string, Job, number])[] = [
    ['liveness', new LivenessJob(unit, clock, pulse, reports, settings.liveness), livenessEveryMs],
    ['deadlines', new DeadlineJob(unit, clock, settings.instances, scheduler, settings.liveness, onRecovery), deadlinesEveryMs],
    ['endings', new EndingJob({ unitOfWork: unit, agents, scheduler, clock, settings: settings.instances, onRecovery }), endingsEveryMs],
    ['session-watch', sessionWatch, sessionWatchEveryMs],
    ...guests.jobs,
    ['aging', new AgingJob({ unitOfWork: unit, agents, scheduler, clock, settings: settings.instances }), agingEveryMs],
    ['past-usage', new PastUsageJob(unit, clock, settings.scheduling.usage), pastUsageEveryMs],
    ['resend', new ResendJob(unit, agents, settings.instances.guestUser), resendEveryMs],
    ...scheduling.jobs,
    ...preCopy.jobs,
    ...snapshots.jobs,
    ...evacuations.jobs,
    ...homes.jobs,
    ...publicMappings.jobs,
    ...ssh.jobs,
    ['store-sweep', new StoreSweepJob(storeService, clock, config.images.sweep.everyHours * hourMs), storeSweepLookMs],
    ['fleet-store', fleetStore, fleetStoreEveryMs],
    ['sla', sla, slaEveryMs],
    ['monitoring', monitoring, sampleEveryMs],
    ['housekeeping', new HousekeepingJob(unit, clock, settings.housekeeping), housekeepingEveryMs],
  ];
  let stops: readonly (() => Promise<void>)[] = [];
  return {
    app,
    doors: [
      gateway,
      mirrors.gateway,
      new StreamDoor({ clock, relay: streams }),
      new FeedDoor({ clock, feed, sessions: sessionWatch, authenticate, onFault: onFault('feed') }),
      guests.door(authenticate),
    ],
    ssh,
    hasAdmin: () => unit.read.users.adminExists(),
    firstSetupToken: () => registrations.issueSetupToken({ replace: false }),
    start: () => {
      scheduler.start();
      stops = jobs.map(([name, job, everyMs]) => repeat(job, everyMs, clock, onFault(name)));
    },
    certificateLasts: (until) => { certificateUntil = until.getTime(); },
    refuse: () => (serving = false),
    stop: async () => {
      await Promise.all(stops.map((stop) => stop()));
      await scheduling.idle();
      await scheduler.stop();
      await evacuations.migrations.stop();
      await hostInstalls.installs.stop();
      await snapshots.making.stop();
      await homes.returning.stop();
      world.close();
      await fleetStore.run();
      await chunks.close();
    },
  };
}
