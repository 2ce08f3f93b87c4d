import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { consoleOpenSchema, openConsole } from '@paravcl/shared/api/connections';
import { createInstance } from '@paravcl/shared/api/instances';
import { consolePath } from '@paravcl/shared/api/sockets';
import { parseJson } from '@paravcl/shared/parse-json';
import { createWebSocketStream, WebSocket } from 'ws';
import type { ApiClient } from '../api-client';
import { eventually } from '../eventually';
import { enrolAndApprove, patienceMs } from '../lab/enrol-and-approve';
import { instanceWhere } from '../lab/follow-operation';
import { freePort } from '../lab/free-port';
import { Lab, randomPassword } from '../lab/lab';
import { registerStandIn } from '../lab/register-demo-guest';
import { Daemon } from '../process/daemon';
import { runProgram } from '../process/run-program';
import { describeHost, median, type BenchReport, type Figure } from './report';
import { RfbViewer } from './rfb-viewer';

const keysOfRun = 200;
const movieMs = 6_000;
/** Until all pictures move: what comes before is not looked at. */
const settleMs = 1_500;
const stallMs = 100;
const root = resolve(__dirname, '..', '..', '..', '..');

type Arm = 'ours' | 'direct';
type Open = () => Promise<RfbViewer>;

/**
 * `npm run bench -- console`: a key to the changed picture on the screen of a simulated guest, through a real master and agent, against the
 * same server reached directly; and how often a picture that moves 30 times a second stands still for more than 100 ms, for 50 and for 200
 * viewers of 20 KiB a frame, through a master that has one core. Ours and direct alternate (ABBA).
 */
export async function benchConsole(runs: number, say: (line: string) => void): Promise<BenchReport> {
  const stateDir = await mkdtemp('/var/tmp/paravcl-bench-');
  const network = { name: 'paravcl-bench', bridge: 'pvclbench0', cidr: '10.214.0.0/24' };
  const gateway = { maxConnectionsPerUser: 1000, maxConnectionsPerSlave: 1000 };
  const lab = new Lab({ stateDir, driver: 'simulated', network, port: 8663, masterConfig: { gateway } });
  let direct: DirectServer | null = null;
  try {
    direct = await DirectServer.start(stateDir);
    await lab.prepare();
    await lab.startMaster();
    const password = randomPassword();
    const admin = await lab.firstAdmin('admin', password);
    await enrolAndApprove(lab, admin, 'bench-slave');
    const image = await registerStandIn(admin);
    const { instance } = await admin.call(createInstance, { body: { imageId: image.id, vcpus: 1, ramMiB: 128, minutes: null } });
    await instanceWhere(admin, instance.id, 'the simulated guest to run', ({ observed }) => observed === 'running');
    const through = await consoleOf(lab, password, instance.id);
    const open: Readonly<Record<Arm, Open>> = { ours: through, direct: () => direct?.open() ?? Promise.reject(new Error('It was ended.')) };

    const keys = await alternating(runs, async (arm, run) => {
      const viewer = await open[arm]();
      // The first ones meet code that was never run.
      for (let warm = 0; warm < 50; warm += 1) await viewer.keyToPicture();
      const times: number[] = [];
      for (let key = 0; key < keysOfRun; key += 1) times.push(await viewer.keyToPicture());
      viewer.close();
      say(`run ${run + 1} ${arm}: key to picture ${median(times).toFixed(2)} ms`);
      return median(times);
    });

    await runProgram('taskset', ['--all-tasks', '--cpu-list', '--pid', '0', String(lab.master.pid)]);
    const stallsOf = (viewers: number): Promise<Readonly<Record<Arm, readonly number[]>>> =>
      alternating(runs, async (arm, run) => {
        const stalls = await countStalls(viewers, open[arm]);
        say(`run ${run + 1} ${arm}: ${stalls} stalls of ${viewers} viewers`);
        return stalls;
      });
    const [fifty, twoHundred] = [await stallsOf(50), await stallsOf(200)];
    return {
      bench: 'console',
      host: await describeHost('none: a simulated guest'),
      figures: [
        addedFigure('console_added_ms_p50', 'ms', keys, { must: 5, aim: 2 }),
        addedFigure('consoles_50_stalls', 'stalls', fifty, { must: 0, aim: 0 }),
        addedFigure('consoles_200_stalls', 'stalls', twoHundred, { must: null, aim: 0 }),
      ],
    };
  } finally {
    await lab.stopDaemons();
    await direct?.stop();
    await rm(stateDir, { recursive: true, force: true });
  }
}

/** The screen server with nothing before it. */
class DirectServer {
  private constructor(
    private readonly daemon: Daemon,
    private readonly port: number,
  ) {}

  static async start(stateDir: string): Promise<DirectServer> {
    const script = join(stateDir, 'rfb-server.cjs');
    const source = join(root, 'packages', 'slave', 'test', 'bench', 'rfb-server-program.ts');
    await runProgram(join(root, 'node_modules', '.bin', 'esbuild'), ['--bundle', '--platform=node', '--target=node20', '--format=cjs', '--log-level=error', `--outfile=${script}`, source]);
    const port = await freePort('127.0.0.1', 8700);
    const server = new DirectServer(Daemon.start({ name: 'screen server', script, args: [String(port)], logFile: join(stateDir, 'rfb-server.log') }), port);
    (await eventually('the screen server to listen', patienceMs, () => server.open().catch(() => undefined))).close();
    return server;
  }

  async open(): Promise<RfbViewer> {
    const socket = connect({ port: this.port, host: '127.0.0.1', noDelay: true });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return RfbViewer.open(socket);
  }

  async stop(): Promise<void> {
    await this.daemon.stop();
  }
}

/** Opens the screen as a page does. */
async function consoleOf(lab: Lab, password: string, instanceId: string): Promise<Open> {
  const token = await lab.loginToken('admin', password);
  const client: ApiClient = (await lab.client()).as(token);
  const ca = readFileSync(lab.layout.caFile);
  return async () => {
    const { ticket } = await client.call(openConsole, { params: { instanceId }, body: { kind: 'screen' } });
    const socket = new WebSocket(`${lab.url.replace(/^https/, 'wss')}${consolePath}`, { ca, headers: { authorization: `Bearer ${token}` }, perMessageDeflate: false });
    const stream = await new Promise<Duplex>((resolve, reject) => {
      socket.on('error', reject);
      socket.on('close', (code, reason) => reject(new Error(`${code}: ${reason.toString()}`)));
      socket.on('open', () => socket.send(JSON.stringify({ ticket })));
      socket.once('message', (data) => {
        consoleOpenSchema.parse(parseJson((data as Buffer).toString()));
        resolve(createWebSocketStream(socket));
      });
    });
    return RfbViewer.open(stream);
  };
}

/** Gaps of more than 100 ms between two frames, of all viewers together, while all of them watch. */
async function countStalls(viewers: number, open: Open): Promise<number> {
  const all: RfbViewer[] = [];
  try {
    while (all.length < viewers) all.push(await open());
    const from = performance.now() + settleMs;
    const times = await Promise.all(all.map((viewer) => viewer.watch(from + movieMs)));
    return times.reduce((sum, each) => sum + each.filter((at, index) => at >= from && at - (each[index - 1] ?? at) > stallMs).length, 0);
  } finally {
    for (const viewer of all) viewer.close();
    // What was closed is gone everywhere before the next arm begins.
    await delay(500);
  }
}

async function alternating(runs: number, measure: (arm: Arm, run: number) => Promise<number>): Promise<Readonly<Record<Arm, readonly number[]>>> {
  const found: Record<Arm, number[]> = { ours: [], direct: [] };
  for (let run = 0; run < runs; run += 1) {
    for (const arm of run % 2 === 0 ? (['ours', 'direct'] as const) : (['direct', 'ours'] as const)) found[arm].push(await measure(arm, run));
  }
  return found;
}

function addedFigure(name: string, unit: string, { ours, direct }: Readonly<Record<Arm, readonly number[]>>, { must, aim }: { readonly must: number | null; readonly aim: number }): Figure {
  const base = median(direct);
  const value = Math.round(Math.max(0, median(ours) - base) * 1000) / 1000;
  return { name, value, unit, runs: Math.min(ours.length, direct.length), baseline: { name: 'the same server, directly', value: Math.round(base * 1000) / 1000 }, ratio: null, must, aim, better: 'lower', holds: must === null || value <= must };
}
