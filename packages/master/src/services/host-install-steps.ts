import { faultsOf, judgeHost, type HostFacts, type PreflightKnowledge } from '../core/install-preflight';
import type { HostFinding } from '@paravcl/shared/domain/host-install';
import { sleep, type Clock } from '@paravcl/shared/clock';
import type { SlaveRecord } from '../repositories/slave-record';
import { installScriptPath, type AgentPackage } from './agent-package';
import { HostInstallFault, type HostDialler, type HostKeySeen, type HostLogin, type HostPlace } from './host-install-ports';
import type { InstallStep, StepResult } from './host-install-runner';
import { HostVisit, type VerbAnswer } from './host-visit';
import { sayBytes } from './say-bytes';
import { many } from './say-count';

const minuteMs = 60_000;
const pollMs = 500;
const packagesMs = 30 * minuteMs;
const seenMs = 2 * minuteMs;

/** What both kinds of work share: how to get in. The login is asked for while it is needed, and is gone afterwards. */
export interface Entry {
  readonly place: HostPlace;
  readonly hostKey: string;
  readonly user: string;
  readonly login: () => HostLogin;
  readonly dialler: HostDialler;
  readonly clock: Clock;
  /** Whether the confirmed key may be used there still. Throws `conflict`. */
  readonly checkKey: () => Promise<void>;
  /** Somebody got in at this key. Throws `conflict` when another one was pinned meanwhile. */
  readonly pinKey: (key: HostKeySeen) => Promise<void>;
  readonly release: () => Promise<AgentPackage>;
  readonly onFindings: (findings: readonly HostFinding[]) => Promise<void>;
}

export interface InstallWork extends Entry {
  readonly name: string | null;
  readonly start: 'systemd' | 'unsupervised';
  readonly masterUrl: string;
  readonly arch: string;
  /** Hosts of the books with this machine id, not retired. */
  readonly slavesOfMachine: (machineId: string) => Promise<readonly SlaveRecord[]>;
  /** A join token for this host. */
  readonly makeToken: () => Promise<string>;
  /** The host that enrolled with it; null: nobody has. */
  readonly slaveOfToken: () => Promise<string | null>;
  /** Takes one that never connected out of the books. */
  readonly forget: (slaveId: string) => Promise<void>;
  readonly slave: (slaveId: string) => Promise<SlaveRecord | null>;
  readonly onSlave: (slaveId: string) => Promise<void>;
}

export interface RemovalWork extends Entry {
  readonly slaveId: string;
  readonly slave: () => Promise<SlaveRecord | null>;
  readonly retire: () => Promise<void>;
  readonly force: boolean;
  readonly keepPackages: boolean;
}

/** What is known of the host while the steps are taken. */
export class Stay {
  visit: HostVisit | null = null;
  facts: HostFacts = new Map();
  /** As what it is enrolled here already, or has enrolled now. */
  slaveId: string | null = null;
  /** In the books under this machine id, and never connected. */
  forgotten: string | null = null;
  hasRelease = false;

  get there(): HostVisit {
    if (this.visit === null) throw new Error('Nobody has logged in yet.');
    return this.visit;
  }
}

/** Puts the agent on a host, from the first byte to its being seen in the pool. */
export function installSteps(work: InstallWork, stay: Stay): readonly InstallStep[] {
  const { place: { address }, clock } = work;
  const look: InstallStep = {
    step: 'look', sentence: `Looks at ${address}: distribution, processor, disk, clock, and whether it is somebody else’s.`, deadlineMs: 5 * minuteMs,
    run: async ({ signal }) => {
      await beginVisit(work, stay, signal);
      const release = await work.release();
      const askedAt = clock.monotonicMs();
      stay.facts = await stay.there.facts(signal);
      const slaves = await work.slavesOfMachine(stay.facts.get('machine_id') ?? '');
      const enrolledSlave = stay.facts.get('enrolled_slave') ?? '';
      const lost = slaves.find(({ id, lastSeenAt }) => id !== enrolledSlave && lastSeenAt === null);
      const known: PreflightKnowledge = {
        address, nowMs: clock.now(), roundTripMs: clock.monotonicMs() - askedAt, arch: work.arch, masterUrl: work.masterUrl, start: work.start,
        packageMiB: Math.ceil(release.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) / 1024 / 1024),
        // One that never connected is what an enrolment left whose answer did not arrive.
        slaves: slaves.filter(({ id }) => id !== lost?.id),
      };
      const { findings, enrolledAs } = judgeHost(stay.facts, known);
      stay.slaveId = enrolledAs;
      stay.forgotten = lost?.id ?? null;
      await work.onFindings(findings);
      if (enrolledAs !== null) await work.onSlave(enrolledAs);
      refuseFaults(findings);
      const warnings = findings.filter(({ level }) => level === 'warning').length;
      return done(warnings === 0 ? `${address} is as it should be.` : `${address} can be installed; there ${warnings === 1 ? 'is 1 warning' : `are ${warnings} warnings`} to read.`);
    },
  };
  const packages: InstallStep = {
    step: 'packages', sentence: `Installs what is missing of libvirt and QEMU on ${address}; a fresh host takes some minutes.`, deadlineMs: packagesMs + minuteMs,
    run: async (telling) => told(await stay.there.verb(['packages'], { timeoutMs: packagesMs, telling }), 'Every package was there already.'),
  };
  const upload: InstallStep = {
    step: 'upload', sentence: `Sends the agent and its Node to ${address}.`, deadlineMs: 40 * minuteMs,
    run: async (telling) => {
      const release = await work.release();
      stay.hasRelease = await stay.there.hasRelease(release, stay.facts, telling.signal);
      if (stay.hasRelease) return skipped(`Release ${release.id} is there, every file of it as it should be.`);
      const sent = await stay.there.bring(release, telling);
      return sent === 0 ? skipped(`Release ${release.id} had been sent before.`) : done(`Release ${release.id} was sent, ${sayBytes(sent)}, and arrived whole.`);
    },
  };
  const switchOver: InstallStep = {
    step: 'switch', sentence: 'Checks the release there and makes it the one in use.', deadlineMs: 6 * minuteMs,
    run: async (telling) => {
      if (stay.hasRelease) return skipped('That release is in use.');
      return told(await stay.there.switchTo(await work.release(), { timeoutMs: 5 * minuteMs, telling }), 'That release is in use.');
    },
  };
  const units: InstallStep = {
    step: 'units', sentence: 'Puts the systemd units where systemd reads them.', deadlineMs: 3 * minuteMs,
    run: async (telling) => told(await stay.there.verb(['units'], { timeoutMs: 2 * minuteMs, telling }), 'The units were there already.'),
  };
  const enrol: InstallStep = {
    step: 'enrol', sentence: `Lets ${address} enrol at ${work.masterUrl} with a join token made for it.`, deadlineMs: 4 * minuteMs,
    run: async (telling) => {
      if (stay.slaveId !== null) return skipped(`It is enrolled here as ${(await work.slave(stay.slaveId))?.name ?? stay.slaveId} already.`);
      if (stay.forgotten !== null) await work.forget(stay.forgotten);
      const name = work.name ?? (stay.facts.get('hostname') || address);
      const again = (stay.facts.get('enrolled_master') ?? '') === '' ? [] : ['--again'];
      // On standard input: neither the list of processes nor a log of commands shows it.
      await stay.there.verb(['enrol', work.masterUrl, name, ...again], { timeoutMs: 3 * minuteMs, telling, input: `${await work.makeToken()}\n` });
      stay.slaveId = await work.slaveOfToken();
      if (stay.slaveId === null) throw new HostInstallFault(`${address} says that it enrolled, and nobody enrolled here with the token it was given. Look at ${address}: paravcl-slave status; then begin again.`);
      await work.onSlave(stay.slaveId);
      return done(`It enrolled as ${(await work.slave(stay.slaveId))?.name ?? name}.`);
    },
  };
  const start: InstallStep = {
    step: 'start', sentence: 'Starts mirror and agent.', deadlineMs: 4 * minuteMs,
    run: async (telling) => told(await stay.there.verb(['start', work.start], { timeoutMs: 3 * minuteMs, telling }), 'Mirror and agent run already, from that release.'),
  };
  const seen: InstallStep = {
    step: 'seen', sentence: 'Waits until the host connects.', deadlineMs: seenMs + minuteMs,
    run: async ({ signal }) => {
      const until = clock.monotonicMs() + seenMs;
      while (!signal.aborted) {
        const slave = stay.slaveId === null ? null : await work.slave(stay.slaveId);
        if (slave?.liveness === 'online') return done(`${slave.name} is online${slave.admission === 'approved' ? ' and takes instances' : slave.admission === 'pending' ? ' and waits to be approved' : ''}.`);
        if (clock.monotonicMs() >= until) {
          const quarantined = slave?.admission === 'quarantined' ? ` It is quarantined: ${slave.admissionReason ?? 'it came back with another identity.'}` : '';
          throw new HostInstallFault(`The agent of ${address} was started and did not connect to ${work.masterUrl} within ${seenMs / 1000} s.${quarantined} See that ${address} reaches that address; on the host, paravcl-slave doctor and journalctl -u paravcl-slave tell why. Then begin again.`);
        }
        await sleep(clock, pollMs);
      }
      throw new HostInstallFault('It was given up.');
    },
  };
  return [...entrySteps(work, stay), look, packages, upload, switchOver, units, enrol, start, seen];
}

/** Takes a host out of the pool, and off it what was put there. */
export function removalSteps(work: RemovalWork, stay: Stay): readonly InstallStep[] {
  const { place: { address } } = work;
  const look: InstallStep = {
    step: 'look', sentence: `Looks whether ${address} is that host.`, deadlineMs: 5 * minuteMs,
    run: async ({ signal }) => {
      await beginVisit(work, stay, signal);
      stay.facts = await stay.there.facts(signal);
      const finding = judgeRemoval(stay.facts, address, await work.slave());
      await work.onFindings([finding]);
      refuseFaults([finding]);
      return done(finding.sentence);
    },
  };
  const retire: InstallStep = {
    step: 'retire', sentence: 'Takes it out of the pool.', deadlineMs: minuteMs,
    run: async () => {
      const slave = await work.slave();
      if (slave === null || slave.admission === 'retired') return skipped('It has left the pool already.');
      await work.retire();
      return done(`${slave.name} has left the pool.`);
    },
  };
  const remove: InstallStep = {
    step: 'remove', sentence: `Takes off ${address} what was put there.`, deadlineMs: 16 * minuteMs,
    run: async (telling) => {
      const options = [...(work.keepPackages ? ['--keep-packages'] : []), ...(work.force ? ['--force'] : [])];
      const answer = await stay.there.verb(['remove', ...options], { timeoutMs: 15 * minuteMs, telling });
      const left = answer.left.length === 0 ? '' : ` Left there: ${answer.left.join('; ')}.`;
      return answer.did.length === 0 ? skipped(`Nothing of it was on ${address} any more.${left}`) : done(`Nothing of ParaVCL is left on ${address}.${left}`);
    },
  };
  return [...entrySteps(work, stay), look, retire, remove];
}

function entrySteps(work: Entry, stay: Stay): readonly InstallStep[] {
  const { place, place: { address, resolved, port }, hostKey, dialler } = work;
  return [
    {
      step: 'connect', sentence: `Connects to ${address}${address === resolved ? '' : ` (${resolved})`} port ${port}.`, deadlineMs: minuteMs,
      run: async ({ signal }) => {
        await dialler.connect(place, hostKey, signal);
        return done('It answers with the key that was confirmed.');
      },
    },
    {
      step: 'login', sentence: `Logs in as ${work.user}.`, deadlineMs: 3 * minuteMs,
      run: async ({ signal }) => {
        await work.checkKey();
        const connection = await dialler.login(place, hostKey, work.login(), signal);
        // Kept at once: whatever comes next, it is closed at the end.
        stay.visit = new HostVisit(address, connection, '');
        await work.pinKey(connection.key);
        await connection.proveRoot(signal);
        return done(work.user === 'root' ? 'Logged in as root.' : `Logged in as ${work.user}, who may use sudo.`);
      },
    },
  ];
}

async function beginVisit(work: Entry, stay: Stay, signal: AbortSignal): Promise<void> {
  const script = (await work.release()).files.find(({ path }) => path === installScriptPath);
  if (script === undefined) throw new Error(`The package has no ${installScriptPath}.`);
  stay.visit = await HostVisit.begin(work.place.address, work.user, stay.there.connection, script, signal);
}

/** Whether what is at this address is the host that shall go. Another master's is left alone. */
export function judgeRemoval(facts: HostFacts, address: string, slave: Pick<SlaveRecord, 'id' | 'name' | 'machineId'> | null): HostFinding {
  const enrolled = facts.get('enrolled_slave') ?? '';
  const release = facts.get('installed_release') ?? '';
  const name = slave?.name ?? 'the host';
  const isFine = (sentence: string): HostFinding => ({ check: 'identity', level: 'fine', sentence, remedy: null });
  if (enrolled !== '' && enrolled === slave?.id) return isFine(`${address} is ${name}.`);
  if (enrolled === '' && facts.get('machine_id') === slave?.machineId) return isFine(release === '' ? `${address} is ${name}, and has no agent any more.` : `${address} is ${name}, and is enrolled nowhere any more.`);
  const master = facts.get('enrolled_master') ?? '';
  return {
    check: 'identity', level: 'fault',
    sentence: enrolled === '' ? `${address} is not ${name}: it has another machine id.` : `${address} is not ${name}: it is enrolled as another host${master === '' ? '' : ` at ${master}`}.`,
    remedy: `Give the address at which ${name} is reached now. Nothing was changed.`,
  };
}

function refuseFaults(findings: readonly HostFinding[]): void {
  const faults = faultsOf(findings);
  const [first] = faults;
  if (first === undefined) return;
  const more = faults.length === 1 ? '' : ` And ${many(faults.length - 1, 'more fault')}: see what was found.`;
  throw new HostInstallFault(`${first.sentence} ${first.remedy ?? ''}${more}`.trim());
}

const done = (sentence: string): StepResult => ({ state: 'done', sentence });
const skipped = (sentence: string): StepResult => ({ state: 'skipped', sentence });

/** What it did in one sentence; nothing done is said as such. */
function told({ did, kept, left }: VerbAnswer, nothing: string): StepResult {
  const real = did.filter((line) => !/^(had systemd check|tried agent) /.test(line));
  if (real.length === 0 && kept.length + did.length > 0) return skipped(nothing);
  const text = [...real, ...left.map((line) => `left ${line}`)].join('; ');
  if (text === '') return done(nothing);
  return done(`${text.charAt(0).toUpperCase()}${text.slice(1, 800)}.`);
}
