import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { createJoinToken } from '@paravcl/shared/api/join-tokens';
import type { ApiClient } from '../api-client';
import { Daemon } from '../process/daemon';
import { runProgram } from '../process/run-program';
import { freePort } from './free-port';
import { agentScript, labLayout, type LabLayout } from './lab-layout';
import { LabMaster } from './lab-master';

export interface LabOptions {
  readonly stateDir: string;
  readonly driver: 'libvirt' | 'simulated';
  /** 127.0.0.1 unless somebody else is to reach it. */
  readonly host?: string;
  /** The wished port; the next free one is taken. */
  readonly port?: number;
  readonly network: { readonly name: string; readonly bridge: string; readonly cidr: string };
  /** More of the master's configuration file. */
  readonly masterConfig?: Readonly<Record<string, unknown>>;
}

/** A password nobody chose: 20 characters, shown to whoever started the lab. */
export function randomPassword(): string {
  return randomBytes(15).toString('base64url');
}

/**
 * One master, one slave agent and its mirror of this machine as processes of their own, over one directory. Used by
 * the demo, the whole-system tests and the benchmarks alike; every step is one call, so that the demo
 * can show it. Several hosts: lab-site.ts.
 */
export class Lab {
  readonly layout: LabLayout;
  private labMaster: LabMaster | null = null;
  private agentProcess: Daemon | null = null;
  private mirrorProcess: Daemon | null = null;

  constructor(readonly options: LabOptions) {
    this.layout = labLayout(options.stateDir);
  }

  get url(): string {
    return this.prepared.url;
  }

  get master(): Daemon {
    return this.prepared.process;
  }

  get agent(): Daemon {
    if (this.agentProcess === null) throw new Error('The agent was not started yet.');
    return this.agentProcess;
  }

  get mirror(): Daemon {
    if (this.mirrorProcess === null) throw new Error('The mirror was not started yet.');
    return this.mirrorProcess;
  }

  get daemons(): readonly Daemon[] {
    const master = this.labMaster?.isStarted === true ? this.labMaster.process : null;
    return [this.agentProcess, this.mirrorProcess, master].filter((daemon) => daemon !== null);
  }

  /** Makes the directory and the configuration, once. */
  async prepare(): Promise<void> {
    const { stateDir, network, host = '127.0.0.1', port = 8443, masterConfig = {} } = this.options;
    this.labMaster = new LabMaster({ stateDir, host, port: await freePort(host, port), siteName: 'ParaVCL demo', network, config: masterConfig });
    await this.labMaster.prepare();
    // Named, so that a slave that is installed on this machine does not lend its own. There is no other host to serve.
    await writeFile(this.layout.agentConfig, '# Made by the workbench.\nmirror:\n  peerPort: 0\n', { mode: 0o600 });
  }

  /** Starts the master, also again after it was killed, and waits until it is ready. */
  startMaster(): Promise<void> {
    return this.prepared.start();
  }

  /** A client that nobody has logged in. */
  client(): Promise<ApiClient> {
    return this.prepared.client();
  }

  /** Makes the first administrator with a setup token taken from the master's own command, and logs in. */
  firstAdmin(name: string, password: string): Promise<ApiClient> {
    return this.prepared.firstAdmin(name, password);
  }

  loginAs(name: string, password: string): Promise<ApiClient> {
    return this.prepared.loginAs(name, password);
  }

  /** The token of a new bearer session, for clients of one's own making. */
  loginToken(name: string, password: string): Promise<string> {
    return this.prepared.loginToken(name, password);
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

  /** Starts the mirror, also again after it was killed. */
  startMirror(): void {
    this.mirrorProcess = Daemon.start({ name: 'mirror', script: agentScript, args: ['mirror', ...this.agentOptions], logFile: this.layout.mirrorLog });
  }

  /** Starts the agent, also again after it was killed, and the mirror where none runs. Their sessions with the master come up by themselves. */
  startAgent(): void {
    if (this.options.driver === 'libvirt' && this.mirrorProcess?.isRunning() !== true) this.startMirror();
    this.agentProcess = Daemon.start({ name: 'agent', script: agentScript, args: ['run', ...this.agentOptions], logFile: this.layout.agentLog });
  }

  /** Ends all daemons. Guests are not theirs and go on. */
  async stopDaemons(): Promise<void> {
    await this.agentProcess?.stop();
    await this.mirrorProcess?.stop();
    await this.labMaster?.stop();
  }

  /** Throws with the end of its log when a daemon has died. */
  checkAlive(daemon: Daemon): void {
    daemon.checkAlive();
  }

  private get prepared(): LabMaster {
    if (this.labMaster === null) throw new Error('The lab was not prepared yet.');
    return this.labMaster;
  }

  private get agentOptions(): readonly string[] {
    return ['--config', this.layout.agentConfig, '--state-dir', this.layout.agentState, '--pool-dir', this.layout.pool, ...(this.options.driver === 'simulated' ? ['--driver', 'simulated'] : [])];
  }
}
