import { join } from 'node:path';
import { eventually } from '../eventually';
import type { FaultProxy } from '../faults/fault-proxy';
import type { LabHost } from '../lab/lab-host';
import type { LabSite } from '../lab/lab-site';
import { Daemon } from '../process/daemon';
import { sendSignal } from '../process/send-signal';
import type { FaultKind } from './fault-plan';
import type { Injected } from './injected';
import type { SeededRandom } from './seeded-random';
import { meetStaleMaster } from './stale-master-fault';
import { tearJournal } from './torn-journal';

export interface Patient {
  readonly site: LabSite;
  /** What stands between the clients and the master. */
  readonly clientLink: FaultProxy;
  /** How many answers to clients the books keep. */
  readonly answersKept: () => Promise<number>;
  /** After how long a silent slave is suspect, and lost. */
  readonly suspectAfterMs: number;
  readonly lostAfterMs: number;
}

const goneWithinMs = 20_000;
/** Answers come so late while one is waited for: time enough to see it in the books and to kill. */
const heldBackMs = 400;
const askedWithinMs = 12_000;
/** A heartbeat passes each second. */
const passesWithinMs = 3000;
const nothing = async (): Promise<void> => undefined;

/** What a fault breaks, so that nothing is broken twice at the same time. */
export function targetsOf(kind: FaultKind, host: LabHost): readonly string[] {
  switch (kind) {
    case 'kill-master':
    case 'stop-master':
      return ['master'];
    case 'kill-master-unanswered':
      // It holds back the answers to clients, too.
      return ['master', 'clients'];
    case 'kill-mariadbd':
    case 'stop-mariadbd':
      return ['mariadbd'];
    case 'lose-answers':
      return ['clients'];
    case 'kill-agent':
    case 'stop-agent':
    case 'torn-journal':
      return [`agent of ${host.name}`];
    case 'kill-libvirtd':
    case 'stop-libvirtd':
      return [`libvirtd of ${host.name}`];
    case 'cut-link':
    case 'half-open-link':
    case 'stall-link':
    case 'cut-mid-frame':
    case 'slow-link':
    case 'stale-master':
      return [`link of ${host.name}`];
  }
}

/** Injects a fault. Null when there is nothing to break: the process is not there. */
export async function inject(kind: FaultKind, host: LabHost, patient: Patient, random: SeededRandom): Promise<Injected | null> {
  const { site } = patient;
  switch (kind) {
    case 'kill-master':
      return killed('master', site.master.isStarted ? site.master.process.pid : null, random, async () => {
        await site.master.start();
      });
    case 'kill-master-unanswered':
      return killedUnanswered(patient, random);
    case 'kill-mariadbd':
      // Started again by the master, which watches it.
      return killed('mariadbd', site.master.databasePid(), random, nothing);
    case 'kill-agent':
      return killed(`agent of ${host.name}`, host.agentIsRunning ? host.agent.pid : null, random, () => host.startAgent());
    case 'kill-libvirtd':
      return killed(`libvirtd of ${host.name}`, host.libvirtdPid(), random, () => host.startLibvirtd());
    case 'torn-journal':
      return killed(`agent of ${host.name}, in the middle of a write`, host.agentIsRunning ? host.agent.pid : null, random, async () => {
        await tearJournal(join(host.options.directory, 'agent'), random.next());
        await host.startAgent();
      });
    case 'stop-master':
      return stopped('master', site.master.isStarted ? site.master.process.pid : null, patient, random);
    case 'stop-mariadbd':
      return stopped('mariadbd', site.master.databasePid(), patient, random);
    case 'stop-agent':
      return stopped(`agent of ${host.name}`, host.agentIsRunning ? host.agent.pid : null, patient, random);
    case 'stop-libvirtd':
      return stopped(`libvirtd of ${host.name}`, host.libvirtdPid(), patient, random);
    case 'cut-link':
      return onLink(host, `cut off from the master`, spell(patient, random), (link) => {
        link.refuse();
        link.reset();
      });
    case 'half-open-link':
      return onLink(host, `half-open to the master`, spell(patient, random), (link) => link.halfOpen());
    case 'stall-link':
      return onLink(host, `stalled towards the master`, spell(patient, random), (link) => link.stall());
    case 'cut-mid-frame':
      return cutMidFrame(host, random);
    case 'slow-link': {
      const ms = random.between(50, 800);
      return onLink(host, `${String(ms)} ms away from the master`, random.between(2000, 6000), (link) => link.delay({ ms, jitterMs: ms / 4 }));
    }
    case 'lose-answers': {
      patient.clientLink.halfOpen();
      return { what: 'answers to clients are lost', holdMs: random.between(100, 1500), heal: async () => patient.clientLink.pass() };
    }
    case 'stale-master':
      return meetStaleMaster(host, site);
  }
}

async function killed(what: string, pid: number | null, random: SeededRandom, restart: () => Promise<void>): Promise<Injected | null> {
  if (pid === null || !sendSignal(pid, 'SIGKILL')) return null;
  await eventually(`${what} to be gone`, goneWithinMs, () => (new Daemon(what, pid, '').isRunning() ? undefined : true), { everyMs: 10 });
  return { what: `${what} killed`, holdMs: random.between(200, 1500), heal: restart };
}

function stopped(what: string, pid: number | null, patient: Patient, random: SeededRandom): Injected | null {
  if (pid === null || !sendSignal(pid, 'SIGSTOP')) return null;
  const holdMs = spell(patient, random);
  return {
    what: `${what} stopped for ${(holdMs / 1000).toFixed(1)} s`,
    holdMs,
    heal: async () => new Daemon(what, pid, '').kill('SIGCONT'),
  };
}

/** Mostly short; sometimes long enough to be suspect, now and then to be lost. */
function spell({ suspectAfterMs, lostAfterMs }: Patient, random: SeededRandom): number {
  const chance = random.next();
  if (chance < 0.65) return random.between(300, Math.round(suspectAfterMs * 0.7));
  if (chance < 0.92) return random.between(Math.round(suspectAfterMs * 1.1), Math.round(lostAfterMs * 0.7));
  return Math.round(lostAfterMs * 1.15);
}

function onLink(host: LabHost, what: string, holdMs: number, breakIt: (link: FaultProxy) => void): Injected {
  const link = linkOf(host);
  breakIt(link);
  return { what: `${host.name} ${what} for ${(holdMs / 1000).toFixed(1)} s`, holdMs, heal: async () => link.pass() };
}

/** Null when nothing passed that could be cut. */
async function cutMidFrame(host: LabHost, random: SeededRandom): Promise<Injected | null> {
  const link = linkOf(host);
  const { cuts } = link.counters;
  link.cutMidFrame();
  try {
    await eventually('a frame to be cut', passesWithinMs, () => (link.counters.cuts > cuts ? true : undefined), { everyMs: 5 });
  } catch {
    return null;
  } finally {
    link.pass();
  }
  return { what: `${host.name} cut off in the middle of a frame`, holdMs: random.between(0, 300), cameLater: true, heal: nothing };
}

function linkOf(host: LabHost): FaultProxy {
  if (host.link === null) throw new Error(`${host.name} has no fault proxy: make the site with faultProxies.`);
  return host.link;
}

/**
 * The master dies after it did what a client asked for, and before the client hears of it: answers are held back on
 * the way until one more is kept in the books. Null when nobody asked for anything in time.
 */
async function killedUnanswered({ site, clientLink, answersKept }: Patient, random: SeededRandom): Promise<Injected | null> {
  const pid = site.master.isStarted ? site.master.process.pid : null;
  const before = await answersKept().catch(() => null);
  if (pid === null || before === null) return null;
  clientLink.delay({ ms: heldBackMs });
  try {
    await eventually('a client to be answered', askedWithinMs, async () => ((await answersKept()) > before ? true : undefined), { everyMs: 10 });
    const injected = await killed('master', pid, random, async () => {
      await site.master.start();
    });
    return injected === null ? null : { ...injected, what: 'master killed before a client heard what it had done' };
  } catch {
    return null;
  } finally {
    clientLink.reset();
    clientLink.pass();
  }
}
