import type { Knex } from 'knex';
import { ApiTokenRepository } from './api-token-repository';
import { CommandRepository } from './command-repository';
import { noNotes, type ChangeNotes } from './committed-changes';
import { CalendarRuns, type TransactionRun } from './transaction-run';
import { EvacuationRepository } from './evacuation-repository';
import { EventRepository } from './event-repository';
import { GroupRepository } from './group-repository';
import { LoginFailureRepository } from './login-failure-repository';
import { OneTimeTokenRepository } from './one-time-token-repository';
import { SessionRepository } from './session-repository';
import { UserRepository } from './user-repository';
import { JoinTokenRepository } from './join-token-repository';
import { SlaViolationRepository } from './sla-violation-repository';
import { SlaveRepository } from './slave-repository';
import { IdempotencyRepository } from './idempotency-repository';
import { SettingRepository } from './setting-repository';
import { AddressRepository } from './address-repository';
import { DeploymentMemberRepository } from './deployment-member-repository';
import { DeploymentRepository } from './deployment-repository';
import { FabricRepository } from './fabric-repository';
import { FeedRepository } from './feed-repository';
import { FleetRepository } from './fleet-repository';
import { HostInstallRepository } from './host-install-repository';
import { HostKeyRepository } from './host-key-repository';
import { HomeRepository } from './home-repository';
import { ImageContentRepository } from './image-content-repository';
import { ImageFamilyRepository } from './image-family-repository';
import { ImageRepository } from './image-repository';
import { InstanceRepository } from './instance-repository';
import { LiveMigrationRepository } from './live-migration-repository';
import { MonitoringRepository } from './monitoring-repository';
import { OperationRepository } from './operation-repository';
import { PlacementRepository } from './placement-repository';
import { TransitionRepository } from './transition-repository';
import { BookingRepository } from './booking-repository';
import { DecisionRepository } from './decision-repository';
import { NoticeRepository } from './notice-repository';
import { PatternRepository } from './pattern-repository';
import { PledgeRepository } from './pledge-repository';
import { PastUsageRepository } from './past-usage-repository';
import { PresenceRepository } from './presence-repository';
import { PublicMappingRepository } from './public-mapping-repository';
import { ReservationRepository } from './reservation-repository';
import { SaveSpeedRepository } from './save-speed-repository';
import { SeriesRepository } from './series-repository';
import { SnapshotRepository } from './snapshot-repository';
import { TemplateRepository } from './template-repository';

/** Every repository over one connection or transaction. One method, one query; domain objects in and out. */
export interface Repositories {
  /** Of the transaction they belong to; null outside of one. */
  readonly run: TransactionRun | null;
  readonly calendarRuns: CalendarRuns;
  readonly events: EventRepository;
  readonly users: UserRepository;
  readonly groups: GroupRepository;
  readonly sessions: SessionRepository;
  readonly apiTokens: ApiTokenRepository;
  readonly oneTimeTokens: OneTimeTokenRepository;
  readonly loginFailures: LoginFailureRepository;
  readonly slaves: SlaveRepository;
  readonly joinTokens: JoinTokenRepository;
  readonly commands: CommandRepository;
  readonly idempotencyKeys: IdempotencyRepository;
  readonly settings: SettingRepository;
  readonly addresses: AddressRepository;
  readonly publicMappings: PublicMappingRepository;
  readonly fabric: FabricRepository;
  readonly feed: FeedRepository;
  readonly fleet: FleetRepository;
  readonly images: ImageRepository;
  readonly imageContents: ImageContentRepository;
  readonly imageFamilies: ImageFamilyRepository;
  readonly templates: TemplateRepository;
  readonly patterns: PatternRepository;
  readonly instances: InstanceRepository;
  readonly deployments: DeploymentRepository;
  readonly deploymentMembers: DeploymentMemberRepository;
  readonly operations: OperationRepository;
  readonly placements: PlacementRepository;
  readonly transitions: TransitionRepository;
  readonly reservations: ReservationRepository;
  readonly bookings: BookingRepository;
  readonly series: SeriesRepository;
  readonly decisions: DecisionRepository;
  readonly notices: NoticeRepository;
  readonly pledges: PledgeRepository;
  readonly saveSpeeds: SaveSpeedRepository;
  readonly presence: PresenceRepository;
  readonly pastUsage: PastUsageRepository;
  readonly snapshots: SnapshotRepository;
  readonly evacuations: EvacuationRepository;
  readonly homes: HomeRepository;
  readonly hostInstalls: HostInstallRepository;
  readonly hostKeys: HostKeyRepository;
  readonly liveMigrations: LiveMigrationRepository;
  readonly slaViolations: SlaViolationRepository;
  readonly monitoring: MonitoringRepository;
}

/** @param changes where they note what they wrote */
export function makeRepositories(db: Knex, changes: ChangeNotes = noNotes, calendarRuns = new CalendarRuns(), run: TransactionRun | null = null): Repositories {
  const images = new ImageRepository(db, changes);
  return {
    run,
    calendarRuns,
    events: new EventRepository(db),
    users: new UserRepository(db),
    groups: new GroupRepository(db, changes),
    sessions: new SessionRepository(db),
    apiTokens: new ApiTokenRepository(db),
    oneTimeTokens: new OneTimeTokenRepository(db),
    loginFailures: new LoginFailureRepository(db),
    slaves: new SlaveRepository(db, changes),
    joinTokens: new JoinTokenRepository(db),
    commands: new CommandRepository(db),
    idempotencyKeys: new IdempotencyRepository(db),
    settings: new SettingRepository(db),
    addresses: new AddressRepository(db),
    publicMappings: new PublicMappingRepository(db, changes),
    fabric: new FabricRepository(db),
    feed: new FeedRepository(db),
    fleet: new FleetRepository(db),
    images,
    imageContents: new ImageContentRepository(db, images, changes),
    imageFamilies: new ImageFamilyRepository(db, changes),
    templates: new TemplateRepository(db, changes),
    patterns: new PatternRepository(db),
    instances: new InstanceRepository(db, changes),
    deployments: new DeploymentRepository(db, changes),
    deploymentMembers: new DeploymentMemberRepository(db, changes),
    operations: new OperationRepository(db, changes),
    placements: new PlacementRepository(db, changes),
    transitions: new TransitionRepository(db),
    reservations: new ReservationRepository(db, changes),
    bookings: new BookingRepository(db, changes),
    series: new SeriesRepository(db),
    decisions: new DecisionRepository(db),
    notices: new NoticeRepository(db, changes),
    pledges: new PledgeRepository(db),
    saveSpeeds: new SaveSpeedRepository(db, changes),
    presence: new PresenceRepository(db),
    pastUsage: new PastUsageRepository(db),
    snapshots: new SnapshotRepository(db, changes),
    evacuations: new EvacuationRepository(db),
    homes: new HomeRepository(db, changes),
    hostInstalls: new HostInstallRepository(db, changes),
    hostKeys: new HostKeyRepository(db),
    liveMigrations: new LiveMigrationRepository(db, changes),
    slaViolations: new SlaViolationRepository(db, changes),
    monitoring: new MonitoringRepository(db),
  };
}
