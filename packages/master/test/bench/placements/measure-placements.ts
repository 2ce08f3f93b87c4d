import { armName, type HttpRate, type PlacementRate, type PlacementsFound, type PlacementsWish, type Recount, type SqlArm } from '@paravcl/workbench/bench/scheduler/durable-placements';
import { closedLoop, openLoop, type Ask, type LoadOutcome } from '@paravcl/workbench/bench/scheduler/placement-load';
import { percentile } from '@paravcl/workbench/bench/multisnapshot/guest-writes';
import { cpuSeconds } from '@paravcl/workbench/bench/measured-process';
import { median } from '@paravcl/workbench/bench/report';
import { syncMs } from '@paravcl/workbench/bench/sync-reference';
import { SeededRandom } from '@paravcl/workbench/recovery/seeded-random';
import { join } from 'node:path';
import type { InstanceRecord } from '../../../src/core/instance-record';
import { DurableServer } from './durable-server';
import { copyBooks, fillBooks } from './filled-books';
import { killDatabase, killService } from './kills';
import { openHttpLauncher } from './http-launcher';
import { openMasterLauncher } from './master-launcher';
import { preparedLaunch, type Books, type Launcher } from './prepared-launches';
import { recount } from './recount';
import { rowsOfLaunch, type RowsOfTable } from './rows-of-launch';
import { openRunningMaster } from './running-master';
import { keepHostRoom, openSqlScheduler } from './sql-scheduler';

type Say = (line: string) => void;

const [ours, inSql] = ['paravcl', 'in_sql'] as const;
/** So many of the arms in SQL are measured in turns with ours, those that were fastest in a first try of all. */
const finalists = 2;
const triedSeconds = 1.5;
const httpRuns = 3;
/** They count for nothing: code is compiled, and connections are made. */
const warmSeconds = 2;

/** Every way to ask it. */
const arms: readonly SqlArm[] = [1, 8, 32].flatMap((clients) => [false, true].flatMap((skipLocked) => [false, true].map((together) => ({ clients, skipLocked, together }))));

/**
 * Placements a second of the master's scheduling service and of a scheduler in SQL, over books of their own in one server, in turns; the answer
 * time at half of ours; launches a second over HTTP in the same books; then what the books say, also after kills.
 */
export async function measurePlacements(wish: PlacementsWish, script: string, say: Say): Promise<PlacementsFound> {
  const server = new DurableServer(join(wish.directory, 'mariadb'));
  await server.start();
  try {
    const { flushLogAtCommit, doublewrite, flushMethod, bufferPoolMiB } = await server.durability();
    say(`the database has innodb_flush_log_at_trx_commit=${String(flushLogAtCommit)}, doublewrite ${doublewrite}, ${flushMethod}, a buffer pool of ${String(bufferPoolMiB)} MiB; its disk needs ${(await syncMs(wish.directory)).toFixed(2)} ms for 4 KiB`);
    for (const database of [ours, inSql]) await server.createDatabase(database);
    const books = await server.using(ours, (db) => fillBooks(db, wish, say));
    await server.using(inSql, async (db) => {
      await copyBooks(db, ours);
      await keepHostRoom(db);
    });
    const answered = new Map<string, string>();
    const rates = await ratesInTurns(server, books, wish, answered, say);
    const http = await ratesOverHttp(server, books, wish, answered, say);
    const recounts = [await counted(server, 'the runs', answered, say)];
    await requireSound(server);
    const killing = { server, database: ours, clients: wish.clients, script, random: new SeededRandom(wish.seed), say };
    for (let kill = 1; kill <= wish.kills; kill++) {
      for (const [id, slave] of await killService(killing)) answered.set(id, slave);
      recounts.push(await counted(server, `kill -9 of the service, number ${String(kill)}`, answered, say));
    }
    for (const [id, slave] of await killDatabase(killing)) answered.set(id, slave);
    recounts.push(await counted(server, 'kill -9 of the database', answered, say));
    return { ...rates, http, recounts };
  } finally {
    await server.kill();
  }
}

async function ratesInTurns(server: DurableServer, books: Books, { runs, seconds, clients, seed }: PlacementsWish, answered: Map<string, string>, say: Say): Promise<Omit<PlacementsFound, 'http' | 'recounts'>> {
  const faults: unknown[] = [];
  const begun = performance.now();
  const launcher = await openMasterLauncher(server.address(ours), (error) => { faults.push(error); });
  const sqls: Launcher[] = [];
  try {
    say(`the scheduling service knows its pool after ${((performance.now() - begun) / 1000).toFixed(1)} s`);
    const ask = asking(placing(launcher, books), answered);
    const warm = await closedLoop(ask, { clients, seconds: warmSeconds });
    if (faults.length > 0) throw faults[0];
    const [first] = answered.keys();
    if (first === undefined) throw new Error(`The scheduling service placed nobody: ${String(warm.unplaced)} have to wait for room in a pool that has it.`);
    const like = await server.using(ours, (db) => rowsOfLaunch(db, first));
    const tried = await triedArms(server, books, like, say);
    const best = tried.slice(0, finalists).map(({ arm }) => ({ arm, rates: [] as PlacementRate[] }));
    for (const { arm } of best) sqls.push(await openSqlScheduler(server.address(inSql), arm, like));
    const oursMeasured: PlacementRate[] = [];
    for (let run = 1; run <= runs; run++) {
      oursMeasured.push(await rate(server, ask, clients, seconds));
      for (const [number, { arm, rates }] of best.entries()) rates.push(await rate(server, asking(placing(sqls[number] as Launcher, books), new Map()), arm.clients, seconds));
      say(`run ${String(run)}: ${told(oursMeasured.at(-1))}; in SQL ${best.map(({ rates }) => told(rates.at(-1))).join(' and ')}`);
    }
    const offeredPerSecond = median(oursMeasured.map(({ perSecond }) => perSecond)) / 2;
    const p99Ms: number[] = [];
    for (let run = 1; run <= runs; run++) {
      const { answerMs, unplaced } = await openLoop(ask, { perSecond: offeredPerSecond, seconds, seed: seed + run });
      p99Ms.push(percentile(answerMs, 0.99));
      say(`at ${offeredPerSecond.toFixed(0)} a second, run ${String(run)}: half were answered within ${percentile(answerMs, 0.5).toFixed(1)} ms, 99 % within ${percentile(answerMs, 0.99).toFixed(1)} ms, all within ${percentile(answerMs, 1).toFixed(1)} ms; ${String(unplaced)} were not placed at once`);
    }
    if (faults.length > 0) throw faults[0];
    return { ours: oursMeasured, sql: best, offeredPerSecond, p99Ms };
  } finally {
    await Promise.all([launcher, ...sqls].map((one) => one.stop()));
  }
}

/** Clients and the master's app in one process, over its loopback address, without TLS. Each run begins when nobody waits any more who was not placed at once before. */
async function ratesOverHttp(server: DurableServer, books: Books, { seconds, clients }: PlacementsWish, answered: Map<string, string>, say: Say): Promise<readonly HttpRate[]> {
  const faults: unknown[] = [];
  const onFault = (error: unknown): void => void faults.push(error);
  const master = await openRunningMaster(server.address(ours), onFault);
  try {
    const launcher = await openHttpLauncher(master, books, clients, onFault);
    try {
      const ask = asking(launcher.launch, answered);
      await closedLoop(ask, { clients, seconds: warmSeconds });
      const rates: HttpRate[] = [];
      for (let run = 1; run <= httpRuns; run++) {
        await master.scheduler.idle();
        const { load: { placed, unplaced, answerMs, seconds: took }, processMs, databaseMs } = await spent(server, () => closedLoop(ask, { clients, seconds }));
        const all = placed + unplaced;
        rates.push({ perSecond: placed / took, answeredPerSecond: all / took, unplaced, processMs: processMs / all, databaseMs: databaseMs / all });
        say(`over HTTP, run ${String(run)}: ${(placed / took).toFixed(1)} placements/s; ${String(unplaced)} of ${String(all)} launches were not placed at once; half were answered within ${percentile(answerMs, 0.5).toFixed(0)} ms, 99 % within ${percentile(answerMs, 0.99).toFixed(0)} ms; ${(processMs / all).toFixed(1)} + ${(databaseMs / all).toFixed(1)} ms of processor time each, ours and the database's`);
      }
      await master.scheduler.idle();
      if (faults.length > 0) throw faults[0];
      const perSecond = rates.map((rate) => rate.perSecond);
      say(`over HTTP: ${median(perSecond).toFixed(1)} placements/s (${Math.min(...perSecond).toFixed(1)} to ${Math.max(...perSecond).toFixed(1)})`);
      return rates;
    } finally {
      await launcher.stop();
    }
  } finally {
    await master.stop();
  }
}

/** Each arm for a moment, fastest first. */
async function triedArms(server: DurableServer, books: Books, like: readonly RowsOfTable[], say: Say): Promise<readonly { readonly arm: SqlArm; readonly perSecond: number }[]> {
  const tried = [];
  for (const arm of arms) {
    const launcher = await openSqlScheduler(server.address(inSql), arm, like);
    try {
      const { perSecond } = await rate(server, asking(placing(launcher, books), new Map()), arm.clients, triedSeconds);
      say(`${armName(arm)}: ${perSecond.toFixed(0)} placements/s`);
      tried.push({ arm, perSecond });
    } finally {
      await launcher.stop();
    }
  }
  return tried.sort((a, b) => b.perSecond - a.perSecond);
}

async function rate(server: DurableServer, ask: Ask, clients: number, seconds: number): Promise<PlacementRate> {
  const { load: { placed, seconds: took, unplaced }, processMs, databaseMs } = await spent(server, () => closedLoop(ask, { clients, seconds }));
  if (placed === 0) throw new Error(`All ${String(unplaced)} who asked have to wait, in a pool that has room for them.`);
  return { perSecond: placed / took, unplaced, processMs: processMs / placed, databaseMs: databaseMs / placed };
}

/** With the processor time of a load in this process and in the database. */
async function spent(server: DurableServer, work: () => Promise<LoadOutcome>): Promise<{ readonly load: LoadOutcome; readonly processMs: number; readonly databaseMs: number }> {
  const [mine, database] = [process.cpuUsage(), await cpuSeconds(server.processId)];
  const load = await work();
  const { user, system } = process.cpuUsage(mine);
  return { load, processMs: (user + system) / 1000, databaseMs: 1000 * ((await cpuSeconds(server.processId)) - database) };
}

type Launch = (client: number) => Promise<Pick<InstanceRecord, 'id' | 'slaveId'>>;

const placing = (launcher: Launcher, books: Books): Launch => async (client) => (await launcher.launch(preparedLaunch(books), client)).instance;

function asking(launch: Launch, answered: Map<string, string>): Ask {
  return async (client) => {
    const { id, slaveId } = await launch(client);
    if (slaveId === null) return false;
    if (answered.has(id)) throw new Error(`Instance ${id} was placed twice.`);
    answered.set(id, slaveId);
    return true;
  };
}

async function counted(server: DurableServer, after: string, answered: ReadonlyMap<string, string>, say: Say): Promise<Recount> {
  const found = await server.using(ours, (db) => recount(db, after, answered));
  const { overbooked, placedTwice, lost, incomplete } = found;
  say(`after ${after}, ${String(found.answered)} answers: ${String(overbooked)} slaves overbooked, ${String(placedTwice)} instances placed twice, ${String(lost)} answers lost, ${String(incomplete)} incomplete`);
  return found;
}

/** What is compared with must be right as well. */
async function requireSound(server: DurableServer): Promise<void> {
  const { overbooked, placedTwice } = await server.using(inSql, (db) => recount(db, 'the runs', new Map()));
  if (overbooked + placedTwice > 0) throw new Error(`The scheduler in SQL booked ${String(overbooked)} slaves and ${String(placedTwice)} instances twice: its rate counts for nothing.`);
}

const told = (rate: PlacementRate | undefined): string => (rate === undefined ? 'nothing' : `${rate.perSecond.toFixed(0)} placements/s (${rate.unplaced > 0 ? `${String(rate.unplaced)} were not placed at once; ` : ''}${rate.processMs.toFixed(2)} + ${rate.databaseMs.toFixed(2)} ms of processor time each, ours and the database's)`);
