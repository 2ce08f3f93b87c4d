import { systemClock } from '@paravcl/shared/clock';
import { composeDeployments } from '../../src/compose-deployments';
import { composeEvacuations } from '../../src/compose-evacuations';
import { composeReservations } from '../../src/compose-reservations';
import { composeHostInstalls } from '../../src/compose-host-installs';
import { composeHomes } from '../../src/compose-homes';
import { composePublicMappings } from '../../src/compose-public';
import { composeSnapshots } from '../../src/compose-snapshots';
import type { BoundRoute } from '../../src/http/binding';
import { capacityRoutes } from '../../src/http/capacity-routes';
import { commandLineRoutes } from '../../src/http/command-line-routes';
import { consoleRoutes } from '../../src/http/console-routes';
import { decisionRoutes } from '../../src/http/decision-routes';
import { fabricRoutes } from '../../src/http/fabric-routes';
import { imageReadinessRoutes } from '../../src/http/image-readiness-routes';
import { instanceRoutes } from '../../src/http/instance-routes';
import { joinTokenRoutes } from '../../src/http/join-token-routes';
import { monitoringRoutes } from '../../src/http/monitoring-routes';
import { noticeRoutes } from '../../src/http/notice-routes';
import { operationRoutes } from '../../src/http/operation-routes';
import { replayRoutes } from '../../src/http/replay-routes';
import { reservationRoutes } from '../../src/http/reservation-routes';
import { siteRoutes } from '../../src/http/site-routes';
import { slaveRoutes } from '../../src/http/slave-routes';
import { sshGatewayRoutes } from '../../src/http/ssh-gateway-routes';
import { storeRoutes } from '../../src/http/store-routes';
import { CapacityService } from '../../src/services/capacity-service';
import { CommandLineFile } from '../../src/services/command-line-file';
import { ConsoleService } from '../../src/services/console-service';
import { ConsoleTickets } from '../../src/services/console-tickets';
import { DecisionService } from '../../src/services/decision-service';
import { FabricService } from '../../src/services/fabric-service';
import { FleetPulse } from '../../src/services/fleet-pulse';
import { GuestConnections } from '../../src/services/guest-connections';
import { ImageReadiness } from '../../src/services/image-readiness';
import { InstanceConsoleService } from '../../src/services/instance-console-service';
import { InstanceReset } from '../../src/services/instance-reset';
import { InstanceService } from '../../src/services/instance-service';
import { InstanceVerbs } from '../../src/services/instance-verbs';
import { defaultParticipation, defaultPriority, defaultQuotas, defaultReservations, defaultScheduling } from '../../src/services/instance-settings';
import { JoinTokenService } from '../../src/services/join-token-service';
import { LaunchForecast } from '../../src/services/launch-forecast';
import { MonitoringService } from '../../src/services/monitoring-service';
import { NoticeService } from '../../src/services/notice-service';
import { ObservationService } from '../../src/services/observation-service';
import { OperationService } from '../../src/services/operation-service';
import { writeWaiting } from '../../src/services/launch-writing';
import { Participation } from '../../src/services/participation';
import { PoolService } from '../../src/services/pool-service';
import { SlaService } from '../../src/services/sla-service';
import { WorkingWorld } from '../../src/services/working-world';
import { ReplayService } from '../../src/services/replay-service';
import { SlaveService } from '../../src/services/slave-service';
import { StoreService } from '../../src/services/store-service';
import { ImageStore } from '../../src/store/image-store';
import { openImageFiles } from './image-rig';
import { AgentsDouble, settings, noLines } from './instance-rig';
import type { TestDatabase } from './test-database';

const details = { name: 'Lab', timeZone: settings.timeZone, version: '0.1.0', placementPolicy: 'para', minutes: { min: 60, max: 300, default: 120 }, guests: { vcpus: 1, ramMiB: 512 }, homeMiB: 0 };

export interface FleetRoutes {
  readonly routes: (database: TestDatabase) => readonly BoundRoute[];
  /** Of the routes that were made last. */
  readonly connections: () => GuestConnections;
  close(): Promise<void>;
}

/** The routes of slaves, images and instances with no agent connected and nothing scheduled: what the edge lets through to them. */
export async function openFleetRoutes(): Promise<FleetRoutes> {
  const files = await openImageFiles();
  const clock = systemClock;
  const agents = new AgentsDouble();
  const scheduler = { wake: () => undefined, catchUp: () => Promise.resolve(), launchWithin: writeWaiting };
  const figures = new FleetPulse(clock);
  const stops: (() => Promise<void>)[] = [];
  let known: GuestConnections | undefined;
  const routes = ({ unit, changes }: TestDatabase): readonly BoundRoute[] => {
    const reports = new ObservationService({ unitOfWork: unit, agents, scheduler, clock, settings, onFault: unexpected, onImpossible: unexpected, onRecovery: unexpected });
    const repository = files.compose(unit, clock);
    const scheduling = defaultScheduling;
    const world = new WorkingWorld({ read: unit.read, changes, agents, figures, scheduling, onDrift: unexpected });
    const priority = { ...defaultPriority, contributingMs: scheduling.contributingMs, timeZone: settings.timeZone };
    const joinTokens = new JoinTokenService(unit, clock, { url: 'https://localhost:8443', caFingerprint: null });
    const participation = new Participation({ settings: defaultParticipation, contributingMs: scheduling.contributingMs, timeZone: settings.timeZone, joinTokens });
    const forecast = new LaunchForecast({ unitOfWork: unit, world, clock, settings, scheduling, priority, participation, quotas: defaultQuotas });
    const instances = new InstanceService({ unitOfWork: unit, agents, scheduler, figures, clock, settings, scheduling, priority, participation, quotas: defaultQuotas, forecast, onFault: unexpected });
    const verbs = new InstanceVerbs({ unitOfWork: unit, agents, scheduler, figures, clock, settings, scheduling, priority, quotas: defaultQuotas, onFault: unexpected });
    const resets = new InstanceReset({ unitOfWork: unit, agents, scheduler, clock, settings, quotas: defaultQuotas, onFault: unexpected });
    const deploying = composeDeployments({ unitOfWork: unit, scheduler, clock, settings, priority, quotas: defaultQuotas, participation, verbs, resets, onFault: unexpected });
    stops.push(() => deploying.job.idle());
    const reserving = composeReservations({
      unitOfWork: unit, agents, figures, world, instances, participation, scheduler, clock, settings, scheduling, priority, reservations: defaultReservations, quotas: defaultQuotas, preCopy: { readinessOf: () => null }, onFault: unexpected,
    });
    const preCopy = { wantedOn: () => [], wantedOf: () => new Map() };
    const readiness = new ImageReadiness({ unitOfWork: unit, fleet: { standings: () => new Map() }, preCopy, clock, timeZone: settings.timeZone });
    const store = new StoreService({
      store: files.chunks(), live: () => unit.read.imageContents.manifestIds(), mirrors: { fetchFromMirrors: () => Promise.resolve(null), openManifest: () => null }, unitOfWork: unit, clock, graceMs: 0, onFault: unexpected,
    });
    const homes = composeHomes({ unit, clock, agents, settings, uploads: new ImageStore(files.directory), store: files.chunks(), onFault: unexpected });
    stops.push(() => homes.returning.stop());
    const snapshotting = composeSnapshots({
      alsoWaiting: homes.returning,
      unit, clock, agents, scheduler, settings, instances, verbs, quotas: defaultQuotas, uploads: new ImageStore(files.directory), store: files.chunks(), mirrors: { gone: () => undefined }, policy: { perStudent: 20, deadlineMinutes: 60 }, onFault: unexpected,
    });
    stops.push(() => snapshotting.making.stop());
    const slaves = new SlaveService(unit, clock, agents, reports, figures, { lostAfterMs: 60_000 }, defaultScheduling);
    const evacuating = composeEvacuations({ unitOfWork: unit, agents, world, lines: noLines, scheduler, scheduling, clock, slaves, relocation: snapshotting.relocation, verbs, settings, atOnce: 2, migrateEmulated: false, onFault: unexpected });
    const looking = { world, scheduling, unitOfWork: unit, clock };
    const consoles = new ConsoleService({ unit, agents, tickets: new ConsoleTickets(clock), timeZone: settings.timeZone });
    const connections = new GuestConnections({ unit, clock, sessions: { watch: () => () => undefined }, limits: { perUser: 20, perSlave: 100 }, timeZone: settings.timeZone, onFault: unexpected });
    known = connections;
    return [
      ...deploying.routes,
      ...snapshotting.routes,
      ...homes.routes,
      ...composePublicMappings({ unitOfWork: unit, agents, clock, settings, pool: { addresses: ['203.0.113.7'], ports: { from: 40_000, to: 40_009 }, perUser: 2 }, onFault: unexpected }).routes,
      ...fabricRoutes(new FabricService({ unit, clock, instances, agents, figures, limits: scheduling, maxMinutes: 300 }), { enabled: false, url: 'https://localhost:8443', allow: [], actsAs: null }),
      ...reservationRoutes(reserving.reservations, reserving.changes, reserving.claims),
      ...slaveRoutes(slaves),
      ...evacuating.routes,
      ...joinTokenRoutes(joinTokens),
      ...commandLineRoutes(new CommandLineFile({ url: 'https://localhost:8443', caFingerprint: null }, '/nowhere/paravcl.cjs')),
      ...composeHostInstalls({ unit, clock, options: { networks: [], ports: [22], atOnce: 1 }, release: () => unexpected('a package for a host'), master: { url: 'https://localhost:8443', caFingerprint: null }, joinTokens, slaves, onFault: unexpected }).routes,
      ...repository.routes,
      ...imageReadinessRoutes(readiness),
      ...storeRoutes(store),
      ...instanceRoutes(instances, new InstanceConsoleService(unit, agents, settings.timeZone, clock), forecast),
      ...operationRoutes(new OperationService(unit)),
      ...noticeRoutes(new NoticeService(unit, clock)),
      ...consoleRoutes(consoles, connections),
      ...capacityRoutes(new CapacityService(looking), new PoolService(looking), settings.timeZone),
      ...monitoringRoutes(new MonitoringService({ ...looking, connections, connectionsPerSlave: 100 }), new SlaService({ unitOfWork: unit, clock, rules: null })),
      ...sshGatewayRoutes(() => ({ enabled: false })),
      ...siteRoutes({ unit, details, policy: { preset: 'default', sections: [] }, tryRules: () => ({ faults: [], changes: [] }) }),
      ...decisionRoutes(new DecisionService(unit), { queue: () => Promise.resolve({ length: 0, items: [] }) }),
      ...replayRoutes(new ReplayService({ unitOfWork: unit, clock, scheduling: defaultScheduling })),
    ];
  };
  const close = async (): Promise<void> => {
    await Promise.all(stops.map((stop) => stop()));
    await files.close();
  };
  const connections = (): GuestConnections => {
    if (known === undefined) throw new Error('No routes were made yet.');
    return known;
  };
  return { routes, connections, close };
}

/** No agent reports here, so nothing may be wrong with a report. */
function unexpected(what: unknown): never {
  throw new Error('A report was found faulty where none can come.', { cause: what });
}
