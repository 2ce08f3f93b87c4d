import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { agentLinkPath } from '@paravcl/shared/protocol/version';
import { eventually } from '../eventually';
import { Lab, randomPassword } from '../lab/lab';
import type { Daemon } from '../process/daemon';
import { FleetProcess } from './fleet-orders';
import { acceptedHeartbeats, countOf, enrolFleet, openBooks, startBareServer, type Books } from './link-bench-site';
import { cpuSeconds, memoryOf } from './measured-process';
import { recoveryFigures } from './recovery-figures';
import { describeHost, median, type BenchReport, type Figure } from './report';
import { syncMs } from './sync-reference';

const agents = 5000;
/** Connected before memory is looked at first: code is loaded and compiled, and buffers have their size. */
const warmUpAgents = 1500;
const everybody = warmUpAgents + agents;
/** Below what one core takes, so that nothing piles up and every heartbeat is read by itself, as in a lab. */
const beatsPerSecond = 8000;
const beatSeconds = 5;
/** Longest that a heartbeat may take from its receipt until it can be read in the database. */
const visibleWithinMs = 1000;
const patienceMs = 120_000;

/** What each further idle agent adds to a server after its garbage is collected, KiB. */
interface Memory {
  /** Resident set, as the kernel counts it. */
  readonly rssKiB: number;
  /** The same without what the heap keeps free for later. */
  readonly heldKiB: number;
  /** Live objects and buffers that Node knows of: no more than the resident set, if that is measured well. */
  readonly knownKiB: number;
}

/** One restart and the fleet's return. */
interface Return {
  readonly seconds: number;
  readonly cpuMs: number;
  readonly databaseCpuMs: number;
}

/**
 * `npm run bench -- control` (DEFINITIONS, "Measuring"): a master of its own and 5,000 simulated agents in one
 * process, over real wss from 5,000 loopback addresses, with the same arms for a bare WebSocket server of the same
 * modules. In every run, in alternating order: a fresh server, 1,500 agents, then 5,000 more, for what each of these
 * takes of its resident memory; heartbeats at a fixed rate; then kill -9, its start, and the return of 5,000 (wall time
 * from the moment the port listens, and processor time).
 */
export async function benchControl(runs: number, say: (line: string) => void): Promise<BenchReport> {
  const stateDir = await mkdtemp('/var/tmp/paravcl-bench-');
  const network = { name: 'paravcl-bench', bridge: 'pvclbench0', cidr: '10.214.0.0/16' };
  const lab = new Lab({ stateDir, driver: 'simulated', network, port: 8663 });
  const fleet = new FleetProcess();
  const bench = new ControlBench(lab, fleet, say);
  try {
    await Promise.race([bench.run(runs), interrupted()]);
    return { bench: 'control', host: await describeHost('none: simulated agents'), figures: [...bench.figures(), ...(await recoveryFigures())] };
  } finally {
    fleet.end();
    await bench.tearDown();
    await rm(stateDir, { recursive: true, force: true });
  }
}

/** Rejects at Ctrl-C and the like, so that what was started is ended and nothing is left behind. */
function interrupted(): Promise<never> {
  return new Promise((_resolve, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => reject(new Error(`The bench was ended by ${signal}.`)));
  });
}

class ControlBench {
  private books: Books | null = null;
  private bare: Daemon | null = null;
  private readonly returns: { readonly ours: Return[]; readonly bare: Return[] } = { ours: [], bare: [] };
  private readonly perCore: { readonly ours: number[]; readonly bare: number[] } = { ours: [], bare: [] };
  private readonly memories: { readonly ours: Memory[]; readonly bare: Memory[] } = { ours: [], bare: [] };
  private readonly visibleMs: number[] = [];
  private readonly syncs: number[] = [];
  private mark = 1;

  constructor(
    private readonly lab: Lab,
    private readonly fleet: FleetProcess,
    private readonly say: (line: string) => void,
  ) {}

  /** Both arms in every run, in alternating order. */
  async run(runs: number): Promise<void> {
    await this.setUp();
    for (let run = 0; run < runs; run += 1) {
      for (const arm of run % 2 === 0 ? (['ours', 'bare'] as const) : (['bare', 'ours'] as const)) {
        if (arm === 'ours') await this.ourRun(run);
        else await this.bareRun(run);
      }
    }
  }

  private async setUp(): Promise<void> {
    const { lab, fleet } = this;
    await lab.prepare();
    await this.startMaster();
    const admin = await lab.firstAdmin('admin', randomPassword());
    this.books = await openBooks(lab);
    await enrolFleet(lab, admin, this.books, everybody);
    await fleet.tell({ do: 'make', agents: everybody });
    // A first time for everybody: from then on the books say `online`, as in a lab that works.
    await this.connect('ours', { from: 0, to: everybody }, 5000);
    await this.allLive('ours', everybody);
    this.say(`${String(everybody)} simulated agents are enrolled and connected`);
  }

  async tearDown(): Promise<void> {
    await this.books?.end();
    await this.bare?.stop();
    await this.lab.stopDaemons();
  }

  private async ourRun(run: number): Promise<void> {
    const { lab } = this;
    await this.killAndStart();
    const memory = await this.memory('ours', lab.master.pid);
    this.memories.ours.push(memory);
    const rate = await this.beat('ours', lab.master.pid, () => acceptedHeartbeats(lab));
    this.perCore.ours.push(rate.perCore);
    this.visibleMs.push(rate.visibleMs);
    await this.killAndStart();
    const back = await this.comeBack('ours', lab.master.pid);
    this.returns.ours.push(back);
    this.syncs.push(await syncMs(lab.options.stateDir));
    this.say(
      `run ${String(run + 1)} ours: ${told(memory)}; ${rate.perCore.toFixed(0)} heartbeats per core second (database ${rate.databaseShare.toFixed(2)} cores), in the database within ${rate.visibleMs.toFixed(0)} ms; ` +
        `all back in ${back.seconds.toFixed(1)} s, ${back.cpuMs.toFixed(2)} ms of the master's processor each (database ${back.databaseCpuMs.toFixed(2)})`,
    );
  }

  private async bareRun(run: number): Promise<void> {
    const { lab, fleet } = this;
    let bare = await this.startBare();
    const memory = await this.memory('bare', bare.pid);
    this.memories.bare.push(memory);
    const rate = await this.beat('bare', bare.pid, () => countOf(lab, barePort, '/'));
    this.perCore.bare.push(rate.perCore);
    bare = await this.startBare();
    const back = await this.comeBack('bare', bare.pid);
    this.returns.bare.push(back);
    this.say(`run ${String(run + 1)} bare: ${told(memory)}; ${rate.perCore.toFixed(0)} messages per core second; all back in ${back.seconds.toFixed(1)} s, ${back.cpuMs.toFixed(2)} ms each`);
    await fleet.tell({ do: 'hang-up' });
    await bare.stop();
    this.bare = null;
  }

  figures(): readonly Figure[] {
    const { returns, perCore } = this;
    const of = (arm: 'ours' | 'bare', key: keyof Return): number => median(returns[arm].map((one) => one[key]));
    const bareRss = median(this.memories.bare.map((one) => one.rssKiB));
    const rss = median(this.memories.ours.map((one) => one.rssKiB)) - bareRss;
    const seconds = of('ours', 'seconds');
    const cpuMs = of('ours', 'cpuMs');
    const worstVisibleMs = Math.max(...this.visibleMs);
    const runs = returns.ours.length;
    const rate = median(perCore.ours);
    const bareRate = median(perCore.bare);
    return [
      { name: 'heartbeats_per_core_s', value: Math.round(rate), unit: '1/s', runs, baseline: { name: 'messages a bare wss server takes', value: Math.round(bareRate) }, ratio: two(rate / bareRate), must: 15_000, aim: 40_000, better: 'higher', holds: rate >= 15_000 && worstVisibleMs <= visibleWithinMs },
      { name: 'heartbeat_visible_ms', value: Math.round(worstVisibleMs), unit: 'ms', runs, baseline: { name: 'fdatasync of 4 KiB, p50', value: two(median(this.syncs)) }, ratio: null, must: visibleWithinMs, aim: null, better: 'lower', holds: worstVisibleMs <= visibleWithinMs },
      { name: 'rss_per_agent_kib', value: two(rss), unit: 'KiB', runs, baseline: { name: 'per connection of a bare wss server, on top of which this comes', value: two(bareRss) }, ratio: null, must: 12, aim: 6, better: 'lower', holds: rss <= 12 },
      { name: 'reconnect_5000_s', value: two(seconds), unit: 's', runs, baseline: { name: 'to a bare wss server', value: two(of('bare', 'seconds')) }, ratio: two(seconds / of('bare', 'seconds')), must: 15, aim: 3, better: 'lower', holds: seconds <= 15 || cpuMs <= 1.5 },
      { name: 'reconnect_cpu_ms', value: two(cpuMs), unit: 'ms', runs, baseline: { name: 'of a bare wss server', value: two(of('bare', 'cpuMs')) }, ratio: two(cpuMs / of('bare', 'cpuMs')), must: 1.5, aim: null, better: 'lower', holds: cpuMs <= 1.5 || seconds <= 15 },
    ];
  }

  private get rssFile(): string {
    return join(this.lab.options.stateDir, 'rss.json');
  }

  private get measuring(): Readonly<Record<string, string>> {
    const options = `--require=${join(__dirname, 'collect-on-signal.js')} ${process.env['PARAVCL_BENCH_NODE_OPTIONS'] ?? ''}`;
    return { NODE_OPTIONS: options.trim(), PARAVCL_BENCH_RSS_FILE: this.rssFile };
  }

  /** As after a crash of the master: the fleet is gone at the same moment. */
  private async killAndStart(): Promise<void> {
    const { lab } = this;
    await this.fleet.tell({ do: 'hang-up' });
    lab.master.kill('SIGKILL');
    await eventually('the killed master to be gone', patienceMs, () => (lab.master.isRunning() ? undefined : true));
    await this.startMaster();
  }

  /** A new bare server, in the place of the one there was. */
  private async startBare(): Promise<Daemon> {
    await this.fleet.tell({ do: 'hang-up' });
    await this.bare?.stop();
    return (this.bare = await startBareServer(this.lab, barePort, this.measuring));
  }

  private async startMaster(): Promise<void> {
    // The daemons take their environment from this process.
    const before = { ...process.env };
    Object.assign(process.env, this.measuring);
    try {
      await this.lab.startMaster();
    } finally {
      if (before['NODE_OPTIONS'] === undefined) delete process.env['NODE_OPTIONS'];
      else process.env['NODE_OPTIONS'] = before['NODE_OPTIONS'];
    }
  }

  private async connect(arm: 'ours' | 'bare', which: { readonly from: number; readonly to: number }, overMs: number | null): Promise<void> {
    const port = arm === 'bare' ? barePort : Number(new URL(this.lab.url).port);
    await this.fleet.tell({ do: 'connect', ...which, host: '127.0.0.1', port, path: agentLinkPath, caFile: this.lab.layout.caFile, bare: arm === 'bare', overMs });
  }

  private async allLive(arm: 'ours' | 'bare', wanted: number): Promise<number> {
    let seen = '';
    return eventually(
      'all agents to be live again',
      patienceMs,
      async () => {
        if (arm === 'ours') this.lab.checkAlive(this.lab.master);
        const { allLiveAtMs, live, downs } = await this.fleet.tell({ do: 'status' });
        seen = `${String(live)} of ${String(wanted)} live; ended: ${JSON.stringify(downs)}`;
        return allLiveAtMs !== null && live === wanted ? allLiveAtMs : undefined;
      },
      { state: () => seen, everyMs: 100 },
    );
  }

  /** The server at `pid` listens and nobody has come yet. */
  private async comeBack(arm: 'ours' | 'bare', pid: number): Promise<Return> {
    const databaseBefore = await this.databaseCpu();
    const before = await cpuSeconds(pid);
    const startedAtMs = Date.now();
    await this.connect(arm, { from: 0, to: agents }, null);
    const seconds = ((await this.allLive(arm, agents)) - startedAtMs) / 1000;
    const cpuMs = (((await cpuSeconds(pid)) - before) * 1000) / agents;
    const databaseCpuMs = (((await this.databaseCpu()) - databaseBefore) * 1000) / agents;
    return { seconds, cpuMs, databaseCpuMs };
  }

  /** What each further idle agent adds to a fresh server. */
  private async memory(arm: 'ours' | 'bare', pid: number): Promise<Memory> {
    await this.connect(arm, { from: 0, to: warmUpAgents }, 1000);
    await this.allLive(arm, warmUpAgents);
    const before = await memoryOf(pid, this.rssFile);
    await this.connect(arm, { from: warmUpAgents, to: everybody }, 4000);
    await this.allLive(arm, everybody);
    const after = await memoryOf(pid, this.rssFile);
    const each = (key: keyof typeof after): number => (after[key] - before[key]) / 1024 / agents;
    return { rssKiB: each('rssBytes'), heldKiB: each('heldBytes'), knownKiB: each('knownBytes') };
  }

  /** Heartbeats from everybody at an even rate. Throws when not all were sent and accepted: then it was no measurement. */
  private async beat(arm: 'ours' | 'bare', pid: number, accepted: () => Promise<number>) {
    const acceptedBefore = await accepted();
    const [cpuBefore, databaseBefore] = [await cpuSeconds(pid), await this.databaseCpu()];
    const looking = { until: false };
    const worst = arm === 'ours' ? this.worstVisibleMs(looking) : Promise.resolve(0);
    const { sent, unsent } = await this.fleet.tell({ do: 'beat', perSecond: beatsPerSecond, seconds: beatSeconds });
    const { sentInAll } = await this.fleet.tell({ do: 'status' });
    // Counted since the start of both: every one of them arrived, also those that each agent sends by itself.
    const taken = await eventually('all heartbeats to be accepted', patienceMs, async () => {
      const now = await accepted();
      return now >= sentInAll ? now - acceptedBefore : undefined;
    });
    const [cpu, databaseCpu] = [(await cpuSeconds(pid)) - cpuBefore, (await this.databaseCpu()) - databaseBefore];
    looking.until = true;
    const visibleMs = await worst;
    if (unsent > 0.01 * sent) throw new Error(`${String(unsent)} of ${String(sent + unsent)} heartbeats could not be sent at ${String(beatsPerSecond)} a second: the load was not put on, so nothing was measured. Free the machine and run it again.`);
    return { perCore: taken / cpu, databaseShare: databaseCpu / beatSeconds, visibleMs };
  }

  /**
   * Again and again a heartbeat with a figure of its own: the longest time from its receipt, by the master's clock, which
   * is ours too, until it was read in the database.
   */
  private async worstVisibleMs(looking: { readonly until: boolean }): Promise<number> {
    let worst = 0;
    while (!looking.until) {
      const load1 = ++this.mark;
      await this.fleet.tell({ do: 'mark', load1 });
      worst = Math.max(worst, await eventually('a heartbeat to be in the database', patienceMs, () => this.storedForMs(load1), { everyMs: 10 }));
      await delay(Math.random() * 200);
    }
    return worst;
  }

  /** How long ago the heartbeat with this load was received; undefined while it cannot be read. */
  private async storedForMs(load1: number): Promise<number | undefined> {
    const [rows] = (await this.books?.query("SELECT load1, TIMESTAMPDIFF(MICROSECOND, '1970-01-01', seen_at) DIV 1000 AS seen FROM slave_pulses WHERE slave_id = ?", [simulatedSlave0])) ?? [];
    const row = rows?.[0];
    return Number(row?.['load1']) === load1 ? Date.now() - Number(row?.['seen']) : undefined;
  }

  private async databaseCpu(): Promise<number> {
    return cpuSeconds(await this.databasePid());
  }

  private databaseId: number | null = null;
  private async databasePid(): Promise<number> {
    if (this.databaseId !== null) return this.databaseId;
    const [rows] = (await this.books?.query('SELECT @@pid_file AS file')) ?? [];
    this.databaseId = Number((await readFile(String(rows?.[0]?.['file']), 'utf8')).trim());
    return this.databaseId;
  }
}

const barePort = 8673;
const simulatedSlave0 = '019a0000-0000-7000-8000-000000000000';
const told = ({ rssKiB, heldKiB, knownKiB }: Memory): string => `${rssKiB.toFixed(1)} KiB resident each (${heldKiB.toFixed(1)} without free heap, ${knownKiB.toFixed(1)} known to Node)`;
const two = (value: number): number => Math.round(value * 100) / 100;
