import { SeededRandom } from '@paravcl/workbench/recovery/seeded-random';
import { eventually } from '@paravcl/workbench/eventually';
import { setTimeout as delay } from 'node:timers/promises';
import type { DurableServer } from './durable-server';
import { LaunchingChild } from './launching-child';

const answersWithinMs = 120_000;
/** Of each client, before anything is killed: the first ones of a service that has just started are not yet its usual work. */
const answersBefore = 4;

export interface KillsWish {
  readonly server: DurableServer;
  readonly database: string;
  readonly clients: number;
  /** Of the program whose child launches. */
  readonly script: string;
  readonly random: SeededRandom;
  readonly say: (line: string) => void;
}

/** Starts the service in a process of its own and kills that in the middle of its launches; answers what it had answered. Starting it anew is the recovery. */
export async function killService(wish: KillsWish): Promise<ReadonlyMap<string, string>> {
  const child = launching(wish);
  try {
    await answers(child, answersBefore * wish.clients);
    await delay(wish.random.between(200, 1500));
  } finally {
    await child.kill();
  }
  wish.say(`the service was killed after ${String(child.answered.size)} answers`);
  return child.answered;
}

/** The same with the database under it, which comes back; the service has to go on by itself. */
export async function killDatabase(wish: KillsWish): Promise<ReadonlyMap<string, string>> {
  const { server, random, say } = wish;
  const child = launching(wish);
  try {
    await answers(child, answersBefore * wish.clients);
    await delay(random.between(200, 1500));
    await server.kill();
    await server.start();
    const before = child.answered.size;
    const begun = performance.now();
    await answers(child, before + 1);
    say(`the database was killed after ${String(before)} answers; the next one came ${((performance.now() - begun) / 1000).toFixed(1)} s after it was back`);
    await delay(random.between(200, 1500));
  } finally {
    await child.kill();
  }
  return child.answered;
}

function launching({ server, database, clients, script }: KillsWish): LaunchingChild {
  const { socketPath, user } = { socketPath: '', ...server.address(database) };
  return new LaunchingChild(script, { launchesUntilKilled: { socketPath, user, database }, clients });
}

async function answers(child: LaunchingChild, least: number): Promise<void> {
  await eventually(`${String(least)} answers of the service`, answersWithinMs, () => {
    if (child.ended !== null) throw new Error(`The process with the service ended by itself (${child.ended}).`);
    return child.answered.size >= least || undefined;
  });
}
