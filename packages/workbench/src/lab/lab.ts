import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { login } from '@paravcl/shared/api/sessions';
import { createFirstAdmin } from '@paravcl/shared/api/setup';
import { createJoinToken } from '@paravcl/shared/api/join-tokens';
import { stringify } from 'yaml';
import { ApiClient } from '../api-client';
import { eventually } from '../eventually';
import { Daemon } from '../process/daemon';
import { runProgram } from '../process/run-program';
import { agentScript, labLayout, masterScript, type LabLayout } from './lab-layout';

export interface LabOptions {
  readonly stateDir: string;
  readonly driver: 'libvirt' | 'simulated';
  /** 127.0.0.1 unless somebody else is to reach it. */
  readonly host?: string;
  /** The wished port; the next free one is taken. */
  readonly port?: number;
  readonly network: { readonly name: string; readonly bridge: string; readonly cidr: string };
}

/** A password nobody chose: 20 characters, shown to whoever started the lab. */
export function randomPassword(): string {
  return randomBytes(15).toString('base64url');
}

/**
 * One master and one slave agent of this machine as processes of their own, over one directory. Used by
 * the demo, the whole-system tests and the benchmarks alike; every step is one call, so that the demo
 * can show it.
 */
export class Lab {
  readonly layout: LabLayout;
  private masterProcess: Daemon | null = null;
  private agentProcess: Daemon | null = null;
  private port = 0;

  constructor(readonly options: LabOptions) {
    this.layout = labLayout(options.stateDir);
  }

  get url(): string {
    return `https://${this.options.host ?? '127.0.0.1'}:${String(this.port)}`;
  }

  get master(): Daemon {
    if (this.masterProcess === null) throw new Error('The master was not started yet.');
    return this.masterProcess;
  }

  get agent(): Daemon {
    if (this.agentProcess === null) throw new Error('The agent was not started yet.');
    return this.agentProcess;
  }

  get daemons(): readonly Daemon[] {
    return [this.agentProcess, this.masterProcess].filter((daemon) => daemon !== null);
  }

  /** Makes the directory and the configuration, once. */
  async prepare(): Promise<void> {
    // Guests run as another user and must be able to walk to their disks; what is private is closed further down.
    await mkdir(this.options.stateDir, { recursive: true, mode: 0o711 });
    await chmod(this.options.stateDir, 0o711);
    await mkdir(this.layout.masterState, { recursive: true, mode: 0o700 });
    const host = this.options.host ?? '127.0.0.1';
    this.port = await freePort(host, this.options.port ?? 8443);
    const config = {
      stateDir: this.layout.masterState,
      site: { name: 'ParaVCL demo' },
      listen: { host, port: this.port },
      publicUrl: this.url,
      network: this.options.network,
    };
    await writeFile(this.layout.masterConfig, `# Made by the workbench.\n${stringify(config)}`, { mode: 0o600 });
    // Named, so that a slave that is installed on this machine does not lend its own.
    await writeFile(this.layout.agentConfig, '# Made by the workbench: the defaults.\n{}\n', { mode: 0o600 });
  }

  /** Starts the master, also again after it was killed, and waits until it is ready. */
  async startMaster(): Promise<void> {
    const daemon = Daemon.start({
      name: 'master',
      script: masterScript,
      args: ['run', '--config', this.layout.masterConfig],
      logFile: this.layout.masterLog,
    });
    this.masterProcess = daemon;
    await eventually('the master to be ready', 60_000, async () => {
      this.checkAlive(daemon);
      if (!existsSync(this.layout.caFile)) return undefined;
      return (await this.isReady()) ? true : undefined;
    });
  }

  /** A client that nobody has logged in. */
  async client(): Promise<ApiClient> {
    return new ApiClient({ url: this.url, caPem: await readFile(this.layout.caFile, 'utf8') });
  }

  /** Makes the first administrator with a setup token taken from the master's own command, and logs in. */
  async firstAdmin(name: string, password: string): Promise<ApiClient> {
    const output = await runProgram(process.execPath, [masterScript, 'setup-token', '--config', this.layout.masterConfig]);
    const token = output.trim().split(/\s+/).at(-1) ?? '';
    const client = await this.client();
    await client.call(createFirstAdmin, { body: { token, name, displayName: 'Lab administrator', password } });
    return this.loginAs(name, password);
  }

  async loginAs(name: string, password: string): Promise<ApiClient> {
    const client = await this.client();
    const session = await client.call(login, { body: { name, password, transport: 'bearer' } });
    if (session.token === null) throw new Error('The master gave no token for a bearer login.');
    return client.as(session.token);
  }

  /** Enrols this machine with a join token of `admin`, as the agent's own command does. */
  async enrol(admin: ApiClient, slaveName: string): Promise<void> {
    const { token } = await admin.call(createJoinToken, { body: { note: 'made by the workbench' } });
    await mkdir(this.layout.agentState, { recursive: true, mode: 0o700 });
    await runProgram(
      process.execPath,
      [agentScript, 'enrol', ...this.agentOptions, '--master', this.url, '--name', slaveName, '--token-file', '-'],
      { input: `${token}\n`, timeoutMs: 60_000 },
    );
  }

  /** Starts the agent, also again after it was killed. Its session with the master comes up by itself. */
  startAgent(): void {
    this.agentProcess = Daemon.start({ name: 'agent', script: agentScript, args: ['run', ...this.agentOptions], logFile: this.layout.agentLog });
  }

  /** Ends both daemons. Guests are not theirs and go on. */
  async stopDaemons(): Promise<void> {
    await this.agentProcess?.stop();
    await this.masterProcess?.stop();
  }

  /** Throws with the end of its log when a daemon has died. */
  checkAlive(daemon: Daemon): void {
    if (!daemon.isRunning()) throw new Error(`The ${daemon.name} ended. The end of ${daemon.logFile}:\n${daemon.lastWords()}`);
  }

  private get agentOptions(): readonly string[] {
    return ['--config', this.layout.agentConfig, '--state-dir', this.layout.agentState, '--pool-dir', this.layout.pool, ...(this.options.driver === 'simulated' ? ['--driver', 'simulated'] : [])];
  }

  private async isReady(): Promise<boolean> {
    const ca = await readFile(this.layout.caFile, 'utf8');
    const { get } = await import('node:https');
    return new Promise((resolve) => {
      const request = get(new URL('/readyz', this.url), { ca, agent: false, timeout: 2000 }, (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      });
      request.on('timeout', () => request.destroy());
      request.on('error', () => resolve(false));
    });
  }
}

/** The wished port or one of the next hundred. Throws when none is free, or the address is not this machine's. */
async function freePort(host: string, wished: number): Promise<number> {
  const last = Math.min(wished + 99, 65_535);
  for (let port = wished; port <= last; port += 1) {
    const fault = await new Promise<NodeJS.ErrnoException | null>((resolve) => {
      const server = createServer();
      server.once('error', resolve);
      server.listen(port, host, () => server.close(() => resolve(null)));
    });
    if (fault === null) return port;
    if (fault.code === 'EADDRNOTAVAIL' || fault.code === 'ENOTFOUND') throw new Error(`${host} is not an address of this machine. Choose one of its own with --host.`);
    if (fault.code !== 'EADDRINUSE') throw new Error(`Cannot listen on ${host}:${String(port)}: ${fault.message}`);
  }
  throw new Error(`No port between ${String(wished)} and ${String(last)} is free on ${host}. Choose another with --port.`);
}
