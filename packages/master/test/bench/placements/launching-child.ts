import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { connect } from '../../../src/db/connection';
import { knownBooks } from './filled-books';
import { openMasterLauncher } from './master-launcher';
import { preparedLaunch } from './prepared-launches';

export const childWishSchema = z.object({ launchesUntilKilled: z.object({ socketPath: z.string(), user: z.string(), database: z.string() }), clients: z.int().positive() }).readonly();
export type ChildWish = z.infer<typeof childWishSchema>;

/** In the child: launches without end, and writes each answer to standard output before the next request of that client. What nobody answers is asked for anew. */
export async function launchUntilKilled({ launchesUntilKilled: address, clients }: ChildWish): Promise<never> {
  const db = connect(address, 1);
  const books = await knownBooks(db);
  await db.destroy();
  const launcher = await openMasterLauncher(address, tellFirst());
  // The master's timers keep no process, and while there is no database nothing else does.
  setInterval(() => undefined, 60_000);
  const client = async (number: number): Promise<never> => {
    for (;;) {
      try {
        const { instance } = await launcher.launch(preparedLaunch(books), number);
        // Pipes are written before this returns (Node's documentation, "A note on process I/O").
        if (instance.slaveId !== null) process.stdout.write(`${instance.id} ${instance.slaveId}\n`);
      } catch {
        await delay(100);
      }
    }
  };
  return Promise.race(Array.from({ length: clients }, (_, number) => client(number)));
}

/** Faults come by the thousand while there is no database. */
function tellFirst(): (error: unknown) => void {
  let told = false;
  return (error) => {
    if (told) return;
    told = true;
    const met = error instanceof Error ? error.message : String(error);
    // A statement with all its ids is long; how it ends says what was wrong.
    process.stderr.write(`The scheduling service met: …${met.slice(-200)}\n`);
  };
}

/** In the parent: a process that launches, and what it was answered. */
export class LaunchingChild {
  /** The slave by the instance. */
  readonly answered = new Map<string, string>();
  private readonly process: ChildProcess;
  private readonly read: Promise<unknown>;

  constructor(script: string, wish: ChildWish) {
    this.process = spawn('setpriv', ['--pdeathsig', 'KILL', '--', process.execPath, script, JSON.stringify(wish)], { stdio: ['ignore', 'pipe', 'inherit'] });
    const { stdout } = this.process;
    if (stdout === null) throw new Error('The child has no standard output.');
    const lines = createInterface({ input: stdout });
    lines.on('line', (line) => {
      // A line that the kill cut off is no answer.
      const words = /^([0-9a-f-]{36}) ([0-9a-f-]{36})$/.exec(line);
      if (words !== null) this.answered.set(words[1] ?? '', words[2] ?? '');
    });
    this.read = once(lines, 'close');
  }

  /** Null while it runs, else how it ended. */
  get ended(): string | null {
    const { exitCode, signalCode } = this.process;
    return exitCode === null && signalCode === null ? null : (signalCode ?? `exit code ${String(exitCode)}`);
  }

  /** With SIGKILL, whatever it is doing; answers when all that it had written is read. */
  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.read;
  }
}
