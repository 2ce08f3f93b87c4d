import { judgeHost, type PreflightKnowledge } from '../core/install-preflight';
import type { HostFinding } from '@paravcl/shared/domain/host-install';
import { sleep } from '@paravcl/shared/clock';
import { idSchema } from '@paravcl/shared/ids';
import type { SlaveRecord } from '../repositories/slave-record';
import { beginVisit, done, entrySteps, refuseFaults, skipped, type Entry, type Stay } from './host-entry-steps';
import { HostInstallFault } from './host-install-ports';
import type { InstallStep, StepResult } from './host-install-runner';
import { unproven } from './host-proof';
import { installedRelease, type VerbAnswer } from './host-visit';
import { sayBytes } from './say-bytes';

const minuteMs = 60_000;
const pollMs = 500;
const packagesMs = 30 * minuteMs;
const seenMs = 2 * minuteMs;

export interface InstallWork extends Entry {
  readonly name: string | null;
  readonly start: 'systemd' | 'unsupervised';
  readonly masterUrl: string;
  /** Of the authority that vouches for this master; null when the public ones do. */
  readonly caFingerprint: string | null;
  readonly arch: string;
  /** Hosts of the books with this machine id, not retired. */
  readonly slavesOfMachine: (machineId: string) => Promise<readonly SlaveRecord[]>;
  /** Hosts of the books that enrolled by an install at this place and key. */
  readonly installedHere: () => Promise<readonly string[]>;
  /** What is told where that host of the books is not of the kind, or not the machine, that was asked for. */
  readonly belongsOtherwise: (slaveId: string) => Promise<readonly HostFinding[]>;
  /** A join token for this host. */
  readonly makeToken: () => Promise<string>;
  /** The host that enrolled with it; null: nobody has. */
  readonly slaveOfToken: () => Promise<string | null>;
  /** Takes one that never connected out of the books. */
  readonly forget: (slaveId: string) => Promise<void>;
  readonly slave: (slaveId: string) => Promise<SlaveRecord | null>;
  readonly onSlave: (slaveId: string) => Promise<void>;
}

/** Puts the agent on a host, from the first byte to its being seen in the pool. */
export function installSteps(work: InstallWork, stay: Stay): readonly InstallStep[] {
  const { place: { address }, clock } = work;
  /** Count of starts of its agent, as it was before it was started here. */
  let epochBefore = -1;
  const look: InstallStep = {
    step: 'look', sentence: `Looks at ${address}: distribution, processor, disk, clock, and whether it is somebody else’s.`, deadlineMs: 5 * minuteMs,
    run: async ({ signal }) => {
      await beginVisit(work, stay, signal);
      const release = await work.release();
      const askedAt = clock.monotonicMs();
      stay.facts = await stay.there.facts(stay.machineId, signal);
      const [nowMs, roundTripMs] = [clock.now(), clock.monotonicMs() - askedAt];
      const slaves = await work.slavesOfMachine(stay.machineId);
      const enrolledSlave = stay.facts.get('enrolled_slave') ?? '';
      // A machine id is what a host says; only what an install at this place and key made may be given up for it.
      const before = await work.installedHere();
      const lost = slaves.find(({ id, lastSeenAt }) => id !== enrolledSlave && lastSeenAt === null && before.includes(id));
      // By its key and not by the address it dials, which this master may have given up.
      const claimed = slaves.find(({ id }) => id === enrolledSlave);
      const unclaimed = claimed === undefined && idSchema.safeParse(enrolledSlave).success ? await work.slave(enrolledSlave) : null;
      const missingProof = claimed === undefined ? [] : await unproven(stay.there, claimed, signal);
      const known: PreflightKnowledge = {
        address, nowMs, roundTripMs, arch: work.arch, masterUrl: work.masterUrl, start: work.start,
        packageMiB: Math.ceil(release.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) / 1024 / 1024),
        // One that never connected is what an enrolment left whose answer did not arrive.
        slaves: slaves.filter(({ id }) => id !== lost?.id),
        provenAs: missingProof.length === 0 ? (claimed?.id ?? null) : null,
        leftAs: unclaimed?.admission === 'retired' && unclaimed.machineId === stay.machineId ? unclaimed : null,
      };
      const { enrolledAs, movesFrom, ...judged } = judgeHost(stay.facts, known);
      const findings = [...judged.findings, ...missingProof];
      stay.slaveId = enrolledAs;
      stay.movesFrom = movesFrom;
      stay.forgotten = lost?.id ?? null;
      const all = [...findings, ...(enrolledAs === null ? [] : await work.belongsOtherwise(enrolledAs))];
      await work.onFindings(all);
      refuseFaults(findings);
      if (enrolledAs !== null) await work.onSlave(enrolledAs);
      const warnings = all.filter(({ level }) => level === 'warning').length;
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
      // Also where it is in use: one that broke off has left something to do after that.
      const release = await work.release();
      const from = stay.hasRelease ? installedRelease(release.id) : stay.there.release;
      return told(await stay.there.switchTo(release, from, { timeoutMs: 5 * minuteMs, telling }), 'That release is in use.');
    },
  };
  const units: InstallStep = {
    step: 'units', sentence: 'Puts the systemd units where systemd reads them.', deadlineMs: 3 * minuteMs,
    run: async (telling) => told(await stay.there.verb(['units'], { timeoutMs: 2 * minuteMs, telling }), 'The units were there already.'),
  };
  const enrol: InstallStep = {
    step: 'enrol', sentence: `Lets ${address} enrol at ${work.masterUrl} with a join token made for it.`, deadlineMs: 4 * minuteMs,
    run: async (telling) => {
      if (stay.slaveId !== null) {
        const called = (await work.slave(stay.slaveId))?.name ?? stay.slaveId;
        if (stay.movesFrom === null) return skipped(`It is enrolled here as ${called} already.`);
        await stay.there.verb(['follow', work.masterUrl, work.caFingerprint ?? '-'], { timeoutMs: 3 * minuteMs, telling });
        return done(`It is enrolled here as ${called} already, and goes on by ${work.masterUrl} instead of ${stay.movesFrom}.`);
      }
      if (stay.forgotten !== null && (await work.slave(stay.forgotten))?.lastSeenAt === null) await work.forget(stay.forgotten);
      const name = work.name ?? (stay.facts.get('hostname') || address);
      const again = (stay.facts.get('enrolled_master') ?? '') === '' ? [] : ['--again'];
      // On standard input: neither the list of processes nor a log of commands shows it.
      await stay.there.verb(['enrol', work.masterUrl, name, ...again], { timeoutMs: 3 * minuteMs, telling, input: `${await work.makeToken()}\n` });
      stay.slaveId = await work.slaveOfToken();
      if (stay.slaveId === null) throw new HostInstallFault(`${address} says that it enrolled, and nobody enrolled here with the token it was given. Look at ${address}: paravcl-slave status; then begin again.`);
      const slave = await work.slave(stay.slaveId);
      // Somebody else may have used its token, and the host say the same.
      if (slave !== null) refuseFaults(await unproven(stay.there, slave, telling.signal));
      await work.onSlave(stay.slaveId);
      return done(`It enrolled as ${slave?.name ?? name}.`);
    },
  };
  const start: InstallStep = {
    step: 'start', sentence: 'Starts mirror and agent.', deadlineMs: 4 * minuteMs,
    run: async (telling) => {
      const before = stay.slaveId === null ? null : await work.slave(stay.slaveId);
      const answer = await stay.there.verb(['start', work.start], { timeoutMs: 3 * minuteMs, telling });
      // The books say online of the agent that was ended for it, until the new one connects.
      if (answer.did.some((line) => /^(re)?started paravcl-slave\b/.test(line))) epochBefore = before?.epoch ?? epochBefore;
      return told(answer, 'Mirror and agent run already, from that release.');
    },
  };
  const seen: InstallStep = {
    step: 'seen', sentence: 'Waits until the host connects.', deadlineMs: seenMs + minuteMs,
    run: async ({ signal }) => {
      const until = clock.monotonicMs() + seenMs;
      while (!signal.aborted) {
        const slave = stay.slaveId === null ? null : await work.slave(stay.slaveId);
        if (slave?.liveness === 'online' && slave.epoch > epochBefore) return done(`${slave.name} is online${slave.admission === 'approved' ? ' and takes instances' : slave.admission === 'pending' ? ' and waits to be approved' : ''}.`);
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

/** What it did and left in one sentence; nothing done is said as such. */
function told({ did, kept, left }: VerbAnswer, nothing: string): StepResult {
  const real = did.filter((line) => !/^tried agent /.test(line));
  const text = [...real, ...left.map((line) => `left ${line}`)].join('; ');
  const sentence = text === '' ? '' : `${text.charAt(0).toUpperCase()}${text.slice(1, 800)}.`;
  if (real.length > 0) return done(sentence);
  const rest = `${nothing} ${sentence}`.trimEnd();
  return kept.length + did.length > 0 ? skipped(rest) : done(rest);
}
