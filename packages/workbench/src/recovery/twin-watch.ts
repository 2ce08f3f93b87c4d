import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const everyMs = 250;
const againMs = 50;

/**
 * Looks into the process table for two QEMUs that run one instance at the same time, on whatever hosts: the kernel
 * answers also while libvirtd is dead or deaf. One that is seen in a single moment is not told: a process that
 * makes another shows its own command line in it for an instant.
 */
export class TwinWatch {
  readonly found: string[] = [];
  /** Every domain whose process it ever saw: a watch that sees nothing proves nothing. */
  readonly seen = new Set<string>();
  private readonly told = new Set<string>();
  private watching: Promise<void> | null = null;
  private stopped = false;

  start(): void {
    this.watching = (async () => {
      while (!this.stopped) {
        const processes = processesByInstance();
        for (const id of processes.keys()) this.seen.add(id);
        const twins = twinsIn(processes);
        if (twins.length > 0) {
          await delay(againMs);
          const still = new Set(twinsIn(processesByInstance()));
          for (const twin of twins) if (still.has(twin)) this.tell(twin);
        }
        await delay(everyMs);
      }
    })();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.watching;
  }

  private tell(twin: string): void {
    if (this.told.has(twin)) return;
    this.told.add(twin);
    this.found.push(`At ${new Date().toISOString()} ${twin}.`);
  }
}

/** Process ids of QEMU by the UUID of the domain it runs. */
export function processesByInstance(): ReadonlyMap<string, readonly number[]> {
  const found = new Map<string, number[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const id = instanceRunBy(name);
    if (id !== null) found.set(id, [...(found.get(id) ?? []), Number(name)]);
  }
  return found;
}

function instanceRunBy(pid: string): string | null {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
    if (!(words[0] ?? '').includes('qemu-system')) return null;
    // libvirt also starts it to ask what it can do, without a domain.
    const at = words.indexOf('-uuid');
    return at === -1 ? null : (words[at + 1] ?? null);
  } catch {
    return null;
  }
}

function twinsIn(processes: ReadonlyMap<string, readonly number[]>): readonly string[] {
  return [...processes].filter(([, pids]) => pids.length > 1).map(([id, pids]) => `instance ${id} was run by the processes ${pids.join(' and ')} at the same time`);
}
