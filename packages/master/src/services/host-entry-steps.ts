import type { HostFinding } from '@paravcl/shared/domain/host-install';
import type { Clock } from '@paravcl/shared/clock';
import { faultsOf, type HostFacts } from '../core/install-preflight';
import { installScriptPath, type AgentPackage } from './agent-package';
import { HostInstallFault, type HostDialler, type HostKeySeen, type HostLogin, type HostPlace } from './host-install-ports';
import type { InstallStep, StepResult } from './host-install-runner';
import { HostVisit } from './host-visit';
import { many } from './say-count';

const minuteMs = 60_000;

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
  /** Somebody has logged in at this machine. Throws HostInstallFault while it is worked on under another address. */
  readonly claim: (machineId: string) => void;
  readonly onFindings: (findings: readonly HostFinding[]) => Promise<void>;
}

/** What is known of the host while the steps are taken. */
export class Stay {
  visit: HostVisit | null = null;
  /** Of the machine behind the address; empty where it has none. */
  machineId = '';
  facts: HostFacts = new Map();
  /** As what it is enrolled here already, or has enrolled now. */
  slaveId: string | null = null;
  /** The address this master had before, by which that host's agent dials; null: it dials the one of now. */
  movesFrom: string | null = null;
  /** What an earlier install here left in the books: it never connected. */
  forgotten: string | null = null;
  hasRelease = false;

  get there(): HostVisit {
    if (this.visit === null) throw new Error('Nobody has logged in yet.');
    return this.visit;
  }
}

/** How a host is reached and entered, whatever is done there then. */
export function entrySteps(work: Entry, stay: Stay): readonly InstallStep[] {
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

/** Brings the script. */
export async function beginVisit(work: Entry, stay: Stay, signal: AbortSignal): Promise<void> {
  const script = (await work.release()).files.find(({ path }) => path === installScriptPath);
  if (script === undefined) throw new Error(`The package has no ${installScriptPath}.`);
  const { connection } = stay.there;
  stay.machineId = await HostVisit.machineId(connection, signal);
  work.claim(stay.machineId);
  stay.visit = await HostVisit.begin(work.place.address, work.user, connection, script, signal);
}

/** Throws HostInstallFault with the first fault and its way out. */
export function refuseFaults(findings: readonly HostFinding[]): void {
  const faults = faultsOf(findings);
  const [first] = faults;
  if (first === undefined) return;
  const more = faults.length === 1 ? '' : ` And ${many(faults.length - 1, 'more fault')}: see what was found.`;
  throw new HostInstallFault(`${first.sentence} ${first.remedy ?? ''}${more}`.trim());
}

export const done = (sentence: string): StepResult => ({ state: 'done', sentence });
export const skipped = (sentence: string): StepResult => ({ state: 'skipped', sentence });
