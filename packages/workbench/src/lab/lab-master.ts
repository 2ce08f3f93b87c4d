import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { get } from 'node:https';
import { join } from 'node:path';
import { login } from '@paravcl/shared/api/sessions';
import { createFirstAdmin } from '@paravcl/shared/api/setup';
import { stringify } from 'yaml';
import { ApiClient } from '../api-client';
import { eventually } from '../eventually';
import { Daemon } from '../process/daemon';
import { runProgram } from '../process/run-program';
import { labLayout, masterScript } from './lab-layout';

export interface LabMasterOptions {
  /** Its configuration, log and state lie below this directory (`labLayout`). */
  readonly stateDir: string;
  readonly host: string;
  readonly port: number;
  readonly siteName: string;
  readonly network: { readonly name: string; readonly bridge: string; readonly cidr: string };
  /** More of its configuration file, as in { fleet: { heartbeatSeconds: 1 } }. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Added to its environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A master of the workbench as a process of its own, with its private MariaDB. */
export class LabMaster {
  readonly logFile: string;
  readonly caFile: string;
  readonly url: string;
  private running: Daemon | null = null;

  constructor(readonly options: LabMasterOptions) {
    const layout = labLayout(options.stateDir);
    this.logFile = layout.masterLog;
    this.caFile = layout.caFile;
    this.url = `https://${options.host}:${String(options.port)}`;
  }

  /** The daemon that was started last, running or not. */
  get process(): Daemon {
    if (this.running === null) throw new Error('The master was not started yet.');
    return this.running;
  }

  get isStarted(): boolean {
    return this.running !== null;
  }

  /** Makes the directories and the configuration. */
  async prepare(): Promise<void> {
    const { stateDir, config } = this.options;
    // Guests run as another user and must be able to walk to their disks; what is private is closed further down.
    await mkdir(stateDir, { recursive: true, mode: 0o711 });
    await chmod(stateDir, 0o711);
    await mkdir(this.stateDirectory, { recursive: true, mode: 0o700 });
    await this.configure(config ?? {});
  }

  /** Writes another configuration file: `config` instead of what was there of it. It holds from the next start on. */
  async configure(config: Readonly<Record<string, unknown>>): Promise<void> {
    const { host, port, network, siteName } = this.options;
    // More than one may be on this machine.
    const gateway = { ssh: { host, port: 0 } };
    const file = { stateDir: this.stateDirectory, site: { name: siteName }, listen: { host, port }, publicUrl: this.url, network, gateway, ...config };
    await writeFile(this.configFile, `# Made by the workbench.\n${stringify(file)}`, { mode: 0o600 });
  }

  /** Starts it, also again after it was killed, and waits until it is ready. */
  async start(): Promise<void> {
    const daemon = this.launch();
    await eventually('the master to be ready', 60_000, async () => {
      daemon.checkAlive();
      if (!existsSync(this.caFile)) return undefined;
      return (await this.isReady()) ? true : undefined;
    });
  }

  /** Starts it without waiting. */
  launch(): Daemon {
    this.running = Daemon.start({ name: 'master', script: masterScript, args: ['run', '--config', this.configFile], logFile: this.logFile, env: this.options.env ?? {} });
    return this.running;
  }

  /** Whether it says itself that it can work. */
  async isReady(): Promise<boolean> {
    const ca = await readFile(this.caFile, 'utf8').catch(() => '');
    return new Promise((resolve) => {
      const request = get(new URL('/readyz', this.url), { ca, agent: false, timeout: 2000 }, (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      });
      request.on('timeout', () => request.destroy());
      request.on('error', () => resolve(false));
    });
  }

  /** A client that nobody has logged in. */
  async client(): Promise<ApiClient> {
    return new ApiClient({ url: this.url, caPem: await readFile(this.caFile, 'utf8') });
  }

  /** A setup token, taken from the master's own command. */
  async setupToken(): Promise<string> {
    const output = await runProgram(process.execPath, [masterScript, 'setup-token', '--config', this.configFile], { env: this.options.env ?? {} });
    return output.trim().split(/\s+/).at(-1) ?? '';
  }

  /** Makes the first administrator with a setup token and logs in. */
  async firstAdmin(name: string, password: string): Promise<ApiClient> {
    const client = await this.client();
    await client.call(createFirstAdmin, { body: { token: await this.setupToken(), name, displayName: 'Lab administrator', password } });
    return this.loginAs(name, password);
  }

  async loginAs(name: string, password: string): Promise<ApiClient> {
    return (await this.client()).as(await this.loginToken(name, password));
  }

  /** The token of a new bearer session, for clients of one's own making. */
  async loginToken(name: string, password: string): Promise<string> {
    const { token } = await (await this.client()).call(login, { body: { name, password, transport: 'bearer' } });
    if (token === null) throw new Error('The master gave no token for a bearer login.');
    return token;
  }

  /** The process id of its private mariadbd; null when that does not run. */
  databasePid(): number | null {
    try {
      const pid = Number(readFileSync(join(this.databaseDirectory, 'mariadbd.pid'), 'utf8').trim());
      // Ids are used again: it has to be the server of this very directory.
      return readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8').includes(`--datadir=${join(this.databaseDirectory, 'data')}\0`) ? pid : null;
    } catch {
      return null;
    }
  }

  /** Unix socket of its private mariadbd: for witnesses that ask the database itself. */
  get databaseSocket(): string {
    return join(this.databaseDirectory, 'mariadbd.sock');
  }

  /** Asks it to end and waits. A database whose master was killed before is ended too. */
  async stop(): Promise<void> {
    await this.running?.stop();
    const database = this.databasePid();
    if (database !== null) await new Daemon('database', database, join(this.databaseDirectory, 'mariadbd.log')).stop();
  }

  private get configFile(): string {
    return labLayout(this.options.stateDir).masterConfig;
  }

  private get stateDirectory(): string {
    return labLayout(this.options.stateDir).masterState;
  }

  private get databaseDirectory(): string {
    return join(this.stateDirectory, 'mariadb');
  }
}
