import type { Cancel, Clock } from '@paravcl/shared/clock';
import type { Describe } from '@paravcl/shared/domain/slave';
import { wantedDiskEpoch, type DesiredInstance, type ObservedInstance } from '@paravcl/shared/protocol/desired-instance';
import type { Welcome } from '@paravcl/shared/protocol/master-to-agent';
import type { Logger } from 'pino';
import { isDeepStrictEqual } from 'node:util';
import type { DiskSnapshots } from '../disks/disk-snapshots';
import type { DiskStore } from '../disks/disk-store';
import type { HomeVolumes } from '../disks/home-volumes';
import { HypervisorError, type HypervisorDriver } from '../hypervisor/driver';
import type { DeltaUpload } from '../link/delta-upload';
import type { HelloFacts, MasterLink, MasterLinkParts, WorkFrame } from '../link/master-link';
import type { PublicNetwork } from '../public/public-network';
import { orderedMappings, wantedMappings } from '../public/wanted-mappings';
import { AnswerWatch } from './answer-watch';
import { Commands, type CommandParts } from './commands';
import { makeExecutors } from './executors';
import { HomeCommands } from './home-commands';
import type { GuestMigrations } from './guest-migrations';
import { HostLook } from './host-look';
import { toldEnd, type HostTime } from './instance-end';
import { InstanceEndWatch } from './instance-end-watch';
import type { Journal } from './journal';
import type { JournalRecord } from './journal-record';
import { JournalFullError } from './journal-room';
import { JournalTrouble } from './journal-trouble';
import { LastReport } from './last-report';
import { MirrorWatch } from './mirror-watch';
import { Observations } from './observations';
import { PoolWatch } from './pool-watch';
import { ProcessorWatch } from './processor-watch';
import { PublicMappingKeeper } from './public-mapping-keeper';
import { readHost } from './read-host';
import { Reports } from './reports';
import { Runner } from './runner';
import { SiteNetworkKeeper } from './site-network-keeper';
import { SnapshotCommands } from './snapshot-commands';
import { Troubles } from './troubles';

/** What the agent needs of its link. */
export type AgentLink = Pick<MasterLink, 'isUp' | 'clockOffsetMs' | 'send' | 'start' | 'stop'>;

export interface AgentParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly journal: Journal;
  readonly driver: HypervisorDriver;
  readonly store: DiskStore;
  readonly snapshots: DiskSnapshots;
  readonly homes: HomeVolumes;
  /** Sends guests that run. */
  readonly migrations: Pick<GuestMigrations, 'send'>;
  /** Brings what differs in a frozen disk to the master. */
  readonly upload: Pick<DeltaUpload, 'send'>;
  readonly streams: CommandParts['streams'];
  readonly build: string;
  readonly machineId: string;
  readonly hostBootId: string;
  /** Since the host's boot, its sleep included. */
  uptimeMs(): number;
  readonly lastReportPath: string;
  /** At most so many disk-heavy steps at a time. */
  readonly diskSlots: number;
  /** The process that brings images to this host; none under simulation. */
  readonly mirror?: { status(): Promise<unknown> } | null;
  /** Where images and disks are, and what is kept free there; none under simulation. */
  readonly pool?: { readonly directory: string; readonly reserveMiB: number } | null;
  /** What of the network outside leads to guests; none where there is nothing it could lead to. */
  readonly publicNetwork?: PublicNetwork | null;
  /** Never waits for the hypervisor longer than some seconds: a hello hangs on it. */
  describe(clockOffsetMs: number | null): Promise<Describe>;
  /** What the host is doing now, cheap enough for every heartbeat. */
  load(): Promise<{ readonly load1: number; readonly ramAvailableMiB: number; readonly poolAvailableMiB: number }>;
  connect(parts: Pick<MasterLinkParts, 'hello' | 'heartbeat' | 'onWelcome' | 'onFrame' | 'onDown'>): AgentLink;
  /**
   * The hypervisor and the pool are open, and the first listing of the host was tried. When it failed it is tried again in
   * two seconds, and `inventoryComplete` of a hello says that not everything was looked at yet.
   */
  ready(): void;
}

/** Failures that are over when the hypervisor answers again. */
const hypervisorFailures = ['unavailable', 'timeout', 'hung'] as const;
/** A hypervisor that does not answer must not keep the host from being seen. */
const firstLookMs = 10_000;
const openAgainMs = 3000;

/**
 * One agent on one host: takes desired states from the link into the journal, has the runner bring the
 * host to them, and reports what is. Stopping it never touches a guest.
 */
export class Agent {
  private readonly runner: Runner;
  private readonly observations: Observations;
  private readonly look: HostLook;
  private readonly reports: Reports;
  private readonly lastReport: LastReport;
  private readonly commands: Commands;
  private readonly network: SiteNetworkKeeper;
  private readonly ends: InstanceEndWatch;
  private readonly troubles: Troubles;
  private readonly journalTrouble: JournalTrouble;
  private readonly hypervisorWatch: AnswerWatch;
  private readonly mirrorWatch: MirrorWatch | null;
  private readonly poolWatch: PoolWatch | null;
  private readonly publicMappings: PublicMappingKeeper | null;
  private readonly processors: ProcessorWatch;
  private readonly link: AgentLink;
  /** As the master told it last. */
  private siteNetwork: Welcome['network'] | null = null;
  private taking: Promise<void> = Promise.resolve();
  /** The newest observation of each instance whose order took something public back, until that is done. */
  private readonly heldAnswers = new Map<string, ObservedInstance | null>();
  private cancelOpen: Cancel = () => undefined;
  private endEvents: (() => void) | null = null;
  private stopped = false;

  /**
   * The parts know each other through callbacks that use members assigned further down: none of them may be called
   * before the constructor has ended. So constructing a part, and `connect`, begins nothing; `start` does.
   */
  private constructor(
    private readonly parts: AgentParts,
    last: readonly ObservedInstance[],
  ) {
    const { clock, log, journal, driver, store, homes } = parts;
    this.observations = new Observations(() => this.reports.askFlush(), last);
    this.look = new HostLook({
      clock,
      log,
      driver,
      // Who took a domain away may have taken the network too.
      asked: () => {
        this.network.look();
        this.publicMappings?.look();
      },
      changed: (instanceId) => this.runner.wake(instanceId),
      listed: () => this.reports.tellForeign(),
      listedAgain: () => this.hypervisorBack(),
      lookedAtAll: () => this.reports.askFlush(),
    });
    this.reports = new Reports({
      clock,
      log,
      observations: this.observations,
      link: () => this.link,
      describe: (clockOffsetMs) => parts.describe(clockOffsetMs),
      troubles: () => this.troubles.all(),
      lookedAtAll: () => this.look.isComplete,
      foreign: () => this.look.foreign,
    });
    this.lastReport = new LastReport(parts.lastReportPath, clock, () => this.observations.all());
    this.network = new SiteNetworkKeeper(driver, clock, log, () => this.runner.forgive(['network-down']));
    this.ends = new InstanceEndWatch(clock, journal, () => this.hostTime(), (...end) => this.timeEnded(...end));
    const readers = { driver, store, homes, hostBootId: parts.hostBootId, networkReady: () => this.network.isReady(), mirror: () => this.mirrorWatch?.standing ?? 'well' };
    this.runner = new Runner({
      clock,
      log,
      journal,
      hostTime: () => this.hostTime(),
      diskSlots: parts.diskSlots,
      fetchSlots: 4,
      executors: makeExecutors({ driver, store, homes, journal, migrations: parts.migrations, onProgress: (id, sha256, percent) => this.runner.onProgress(id, sha256, percent) }),
      readHost: async (instanceId, known) => {
        const facts = await readHost(readers, instanceId, known);
        this.look.sees(instanceId, facts.domain);
        return facts;
      },
      observe: (observed) => this.observe(observed),
      looked: (instanceId) => this.look.looked(instanceId),
      failed: (error) => {
        if (error instanceof HypervisorError && error.code === 'network-down') this.network.lost();
      },
    });
    this.commands = new Commands({
      clock,
      log,
      journal,
      driver,
      store,
      snapshots: new SnapshotCommands({ clock, journal, snapshots: parts.snapshots, upload: parts.upload, hold: (...held) => this.runner.hold(...held) }),
      homes: new HomeCommands({ clock, journal, homes, upload: parts.upload }),
      streams: parts.streams,
      describeNow: () => this.reports.describeNow(),
      send: (result) => void this.link.send({ type: 'result', payload: result }),
    });
    this.troubles = new Troubles(clock, log, () => this.reports.tellTroubles());
    this.journalTrouble = new JournalTrouble({ clock, log, journal, troubles: this.troubles, onRoom: () => this.stateHasRoom() });
    this.hypervisorWatch = new AnswerWatch(clock, () => driver.version(), (error) => this.hypervisorSilent(error), () => {
      this.hypervisorBack();
      void this.look.list();
    });
    const mirror = parts.mirror ?? null;
    this.mirrorWatch =
      mirror === null
        ? null
        : new MirrorWatch(clock, mirror, {
            onSilent: (error) => this.mirrorSilent(error),
            onBack: () => this.runner.forgive(['fetch-failed'], ['resume-disk']),
            onAnswer: () => void this.troubles.end('mirror-silent'),
          });
    const pool = parts.pool ?? null;
    this.poolWatch =
      pool === null
        ? null
        : new PoolWatch({ clock, reserveMiB: pool.reserveMiB, space: () => store.space(), onFull: (availableMiB) => this.poolFull(pool, availableMiB), onRoom: () => this.poolHasRoom() });
    this.processors = new ProcessorWatch({ clock, log, driver, isUp: (instanceId) => this.observations.isUp(instanceId) });
    const publicNetwork = parts.publicNetwork ?? null;
    this.publicMappings =
      publicNetwork === null
        ? null
        : new PublicMappingKeeper({
            clock,
            log,
            network: publicNetwork,
            troubles: this.troubles,
            wanted: () => wantedMappings(journal.state.instances, (instanceId) => this.observations.isUp(instanceId)),
            site: () => journal.state.network,
          });
    this.link = parts.connect({
      hello: () => this.hello(),
      heartbeat: async () => {
        const load = await parts.load();
        const guests = this.processors.take();
        return guests.length === 0 ? load : { ...load, guests };
      },
      onWelcome: (welcome) => this.welcomed(welcome),
      onFrame: (frame) => this.take(frame),
      onDown: () => this.reports.linkDown(),
    });
  }

  /** Counts this start, begins to look at the host and dials the master. Resolves at once. */
  static async start(parts: AgentParts): Promise<Agent> {
    const agent = new Agent(parts, await LastReport.load(parts.lastReportPath));
    await agent.journalTrouble.start();
    agent.hypervisorWatch.start();
    agent.mirrorWatch?.start();
    agent.poolWatch?.start();
    agent.publicMappings?.start();
    agent.reports.start();
    void agent.openHost();
    agent.link.start();
    return agent;
  }

  get isConnected(): boolean {
    return this.link.isUp;
  }

  /** Everything that is known of the instances; for `status` and tests. */
  seen(): readonly ObservedInstance[] {
    return this.observations.all();
  }

  /** Resolves when no instance is being worked on. */
  settled(): Promise<void> {
    return this.runner.settled();
  }

  /** Ends the agent; guests go on as they are. The journal is the caller's to close. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.cancelOpen();
    this.look.stop();
    this.reports.stop();
    this.journalTrouble.stop();
    this.endEvents?.();
    this.network.stop();
    this.hypervisorWatch.stop();
    this.mirrorWatch?.stop();
    this.poolWatch?.stop();
    this.processors.stop();
    this.publicMappings?.stop();
    this.ends.stop();
    this.runner.stop();
    this.link.stop();
    await this.lastReport.write().catch(() => undefined);
    await this.parts.driver.close().catch(() => undefined);
  }

  // ---------------------------------------------------------------- the host

  private async openHost(): Promise<void> {
    const { driver, store, homes, journal, log } = this.parts;
    try {
      await store.open();
      await homes.open();
      await driver.open();
    } catch (error) {
      if (this.stopped) return;
      log.error({ err: error }, 'the hypervisor or the pool cannot be opened; "paravcl-slave doctor" tells what is wrong. Trying again');
      this.cancelOpen = this.parts.clock.after(openAgainMs, () => void this.openHost());
      return;
    }
    if (this.stopped) return;
    // Before any guest is started: what lies of a disk has to be known by then.
    await this.parts.snapshots.recover();
    if (this.stopped) return;
    this.endEvents = driver.onEvent((event) => {
      if (event.instanceId === null) void this.look.list();
      else this.runner.wake(event.instanceId);
    });
    const { network } = journal.state;
    if (network !== null) this.network.want(network);
    this.ends.start();
    this.processors.start();
    await this.look.start(journal.state.instances.keys());
    // Only now it is known which machine guests have here; a hello may have gone out before.
    this.reports.describeNow().catch((error: unknown) => log.warn({ err: error }, 'what this host runs guests with is told with the next description'));
    this.parts.ready();
  }

  private observe(observed: ObservedInstance): void {
    if (this.heldAnswers.has(observed.instanceId)) {
      this.heldAnswers.set(observed.instanceId, observed);
      return;
    }
    this.observations.set(observed);
    this.lastReport.changed();
    this.publicMappings?.changed();
  }

  private hostTime(): HostTime {
    return { utcMs: this.parts.clock.now(), uptimeMs: this.parts.uptimeMs(), hostBootId: this.parts.hostBootId };
  }

  /** The time of an instance is over; its next round treats it so, whether or not there is a master. */
  private timeEnded(instanceId: string, generation: number, first: boolean): void {
    if (first && !this.link.isUp) this.parts.log.info({ instanceId, generation, recovery: 'time-ended-alone' }, 'the time of an instance ended while the master is away; it is saved');
    this.runner.wake(instanceId);
  }

  // ---------------------------------------------------------------- the master

  private async hello(): Promise<HelloFacts> {
    const { journal, clock } = this.parts;
    // The master refuses what counts no start; a slave that never kept one has nothing to lose by waiting for room.
    if (journal.state.epoch === 0) throw new JournalFullError(`There is no room in ${journal.directory} to begin with.`);
    const { describe, inventory, inventoryComplete, foreignDomains } = await this.reports.begin(
      Promise.race([this.look.firstLook, new Promise<void>((resolve) => clock.after(firstLookMs, resolve))]),
    );
    return {
      build: this.parts.build,
      machineId: this.parts.machineId,
      macs: describe.interfaces.filter((one) => one.physical).map((one) => one.mac).slice(0, 64),
      epoch: journal.state.epoch,
      describe,
      inventory: [...inventory],
      inventoryComplete,
      foreignDomains: [...foreignDomains],
    };
  }

  private welcomed(welcome: Welcome): void {
    this.siteNetwork = welcome.network;
    this.keepNetwork();
    this.network.want(welcome.network);
    this.commands.resendAll();
    this.runner.forgive(['fetch-failed']);
    this.reports.linkUp();
  }

  private keepNetwork(): void {
    const { journal, log } = this.parts;
    const network = this.siteNetwork;
    if (network === null || isDeepStrictEqual(journal.state.network, network)) return;
    journal.append({ kind: 'network', network }).then(() => this.publicMappings?.changed(), (error: unknown) => log.error({ err: error }, 'the site’s network could not be kept'));
  }

  /** Frames that change what is known are taken one after the other; commands run beside them. */
  private take(frame: WorkFrame): void {
    const { log } = this.parts;
    const inOrder = (work: () => Promise<void>): void => {
      this.taking = this.taking.then(work).catch((error: unknown) => log.error({ err: error, type: frame.type }, 'a frame could not be taken in; the master sends it again'));
    };
    switch (frame.type) {
      case 'desired':
        return inOrder(() => this.accept(frame.payload.instances));
      case 'forget':
        return inOrder(() => this.forget(frame.payload.instances));
      case 'command':
        // Behind the desired states that came before it, so that its generation is judged against them.
        return inOrder(() => {
          void this.commands.carryOut(frame.payload);
          return Promise.resolve();
        });
      case 'result-stored':
        return inOrder(() => this.commands.stored(frame.payload.commandId));
      case 'admission':
        log.info({ admission: frame.payload.admission }, `this host is now ${frame.payload.admission}${frame.payload.sentence === null ? '' : `: ${frame.payload.sentence}`}`);
    }
  }

  /**
   * Takes desired states into the journal, then wakes their instances. What is not named keeps its last
   * one. An older generation is refused, the same one again is answered with the last observation; but a higher epoch
   * of the disk is taken, which an agent of before protocol 4 left out when it wrote the order down.
   */
  private async accept(desired: readonly DesiredInstance[]): Promise<void> {
    const { journal, log } = this.parts;
    const news = new Map<string, JournalRecord>();
    /** Instances from which something public is taken back. */
    const leftBehind = new Set<string>();
    for (const one of desired) {
      const { instanceId, generation } = one;
      const known = journal.state.instances.get(instanceId)?.desired;
      if (known && generation < known.generation) {
        log.info({ instanceId, generation, known: known.generation, recovery: 'stale-generation-refused' }, 'a desired state of an older generation is refused');
      } else if (known && generation === known.generation && !beginsAnew(known, one)) {
        if (isDeepStrictEqual(known, one)) log.info({ instanceId, generation, recovery: 'duplicate-answered' }, 'a desired state came again and is answered again');
        else log.error({ instanceId, generation }, 'a second, different desired state of the same generation is refused');
      } else {
        if (takesBack(known, one)) leftBehind.add(instanceId);
        news.set(instanceId, { kind: 'desired', desired: one, told: toldEnd(one, journal.state.instances.get(instanceId)?.told ?? null, this.hostTime()) });
        continue;
      }
      this.observations.tellAgain(instanceId);
    }
    // What is not to lead there any more does not wait for the guest, but the guest's answer for it: after that the master gives it to others.
    if (this.publicMappings !== null) for (const instanceId of leftBehind) this.heldAnswers.set(instanceId, null);
    try {
      await journal.append(...news.values());
      this.publicMappings?.changed();
    } finally {
      void this.publicMappings?.settled().then(() => leftBehind.forEach((instanceId) => this.release(instanceId)));
    }
    for (const instanceId of news.keys()) this.runner.wake(instanceId);
  }

  private release(instanceId: string): void {
    const held = this.heldAnswers.get(instanceId);
    this.heldAnswers.delete(instanceId);
    if (held) this.observe(held);
  }

  private async forget(instances: readonly { readonly instanceId: string; readonly generation: number }[]): Promise<void> {
    const { journal } = this.parts;
    await journal.append(...instances.map(({ instanceId, generation }): JournalRecord => ({ kind: 'forgotten', instanceId, generation })));
    for (const { instanceId, generation } of instances) {
      if (journal.state.instances.has(instanceId)) {
        this.parts.log.info({ instanceId, generation, recovery: 'stale-forget-refused' }, 'an instance is not forgotten: a newer order for it is known');
        continue;
      }
      this.observations.forget(instanceId);
      this.runner.forget(instanceId);
      this.lastReport.changed();
    }
  }

  // ---------------------------------------------------------------- troubles

  private stateHasRoom(): void {
    this.keepNetwork();
    this.lastReport.changed();
    this.runner.forgive(['state-full']);
  }

  private hypervisorSilent(error: unknown): void {
    const words = error instanceof Error ? ` (${error.message.slice(0, 200)})` : '';
    this.troubles.begin('hypervisor-silent', `The hypervisor does not answer${words}; its guests may go on. If it does not come back: systemctl restart libvirtd, which touches no guest.`);
  }

  /** It answers again, whoever noticed it first: what waited for it is tried at once. */
  private hypervisorBack(): void {
    this.troubles.end('hypervisor-silent');
    this.runner.forgive(hypervisorFailures);
    void this.reports.describeNow().catch(() => undefined);
  }

  private mirrorSilent(error: unknown): void {
    const words = error instanceof Error ? error.message.slice(0, 250) : 'The mirror of this host does not answer. Look at it with "systemctl status paravcl-mirror".';
    this.troubles.begin('mirror-silent', `${words} Until then no image comes here, and guests that read theirs through it wait; restarting it ends no guest.`);
  }

  private poolFull(pool: { readonly directory: string; readonly reserveMiB: number }, availableMiB: number): void {
    this.troubles.begin('pool-full', `The pool ${pool.directory} has ${availableMiB} MiB free and ${pool.reserveMiB} MiB are to be kept: guests that grow are paused when it is full. Free some space there, or delete instances; they go on by themselves.`);
  }

  private poolHasRoom(): void {
    this.troubles.end('pool-full');
    this.runner.forgive(['no-room'], ['resume-disk']);
  }
}

function beginsAnew(known: DesiredInstance, told: DesiredInstance): boolean {
  return known.spec !== null && told.spec !== null && wantedDiskEpoch(told.spec) > wantedDiskEpoch(known.spec);
}

function takesBack(known: DesiredInstance | null | undefined, told: DesiredInstance): boolean {
  const after = orderedMappings(told);
  return orderedMappings(known ?? null).some((mapping) => !after.some((one) => isDeepStrictEqual(one, mapping)));
}
