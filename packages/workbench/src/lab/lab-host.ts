import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createJoinToken } from '@paravcl/shared/api/join-tokens';
import { stringify } from 'yaml';
import type { ApiClient } from '../api-client';
import { eventually } from '../eventually';
import type { FaultProxy } from '../faults/fault-proxy';
import { childrenOf, Daemon } from '../process/daemon';
import { enterScript } from '../private-host/private-host';
import { runProgram, type RunOptions } from '../process/run-program';
import * as evidence from './host-evidence';
import { agentScript } from './lab-layout';
import { inNamespacesOf, outerPid, processesBeside, spawnHost } from './namespaces';
import { PowerLossDisk } from './power-loss-disk';

export interface LabHostOptions {
  readonly name: string;
  /** Below it lie its disks, which outlive its power, and its logs. */
  readonly directory: string;
  /** Its own address in the lab's network with the prefix's length, as in 10.77.0.11/24. */
  readonly address: string;
  /** Hardware address of its interface. */
  readonly mac: string;
  /** Name of its cable's end in the bridge, and that bridge. */
  readonly bridgePort: string;
  readonly bridge: string;
  /** Where its agent dials: https://address:port. */
  readonly masterUrl: string;
  /** The proxy that `masterUrl` names, when there is one. */
  readonly link: FaultProxy | null;
  /** Network of the guests: what its evidence is asked of. */
  readonly guestNetwork: string;
  readonly linkMbps: number;
  /** What it lends to the lab; the whole machine without. */
  readonly offer: { readonly cores?: number; readonly ramMiB?: number };
  readonly poolMiB: number;
  /** Its pool is on a disk that loses with the power what was not synced; else in memory, which loses nothing. */
  readonly poolLosesUnsynced?: boolean;
  /** More of the agent's configuration file. */
  readonly agentConfig?: Readonly<Record<string, unknown>>;
  /** Added to the agent's environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * One host of a lab: network, mounts, processes, host name and clock since boot of its own, with its own libvirt,
 * nested in the private host of this process. Killing its process 1 is taking its power away: the kernel ends
 * everything on it at once. What it has on disk stays in a directory and in a file system made outside of it.
 */
export class LabHost {
  readonly name: string;
  /** Its address in the lab's network. */
  readonly address: string;
  /** The agent's pool, readable from here at all times. */
  readonly pool: string;
  readonly agentLog: string;
  readonly mirrorLog: string;
  /** What its own start said, and libvirt's daemons. */
  readonly hostLog: string;
  readonly evidence: HostEvidence;
  /** What makes faults between its agent and the master; null in a lab without. */
  readonly link: FaultProxy | null;
  private keeper: number | null = null;
  private agentProcess: Daemon | null = null;
  private mirrorProcess: Daemon | null = null;
  private hasPool = false;
  private readonly poolDisk: PowerLossDisk | null;

  constructor(readonly options: LabHostOptions) {
    const { name, directory, address } = options;
    this.name = name;
    this.address = address.split('/')[0] ?? address;
    this.pool = join(directory, 'pool');
    this.agentLog = join(directory, 'agent.log');
    this.mirrorLog = join(directory, 'mirror.log');
    this.hostLog = join(directory, 'host.log');
    this.link = options.link;
    this.poolDisk = options.poolLosesUnsynced === true ? new PowerLossDisk(join(directory, 'pool.ext4'), this.pool, options.poolMiB) : null;
    this.evidence = new HostEvidence(this);
  }

  get isOn(): boolean {
    return this.keeper !== null && existsSync(`/proc/${String(this.keeper)}`);
  }

  /** Process 1 of the host as seen from here. Throws when its power is off. */
  get pid(): number {
    if (this.keeper === null || !this.isOn) throw new Error(`${this.name} has no power.`);
    return this.keeper;
  }

  /** Where the disks lie that are mounted on it. */
  get disks(): string {
    return join(this.options.directory, 'disks');
  }

  /** The agent that was started last, running or not; the process id is the agent's own. */
  get agent(): Daemon {
    if (this.agentProcess === null) throw new Error(`The agent of ${this.name} was not started yet.`);
    return this.agentProcess;
  }

  /** The mirror that was started last, running or not. */
  get mirror(): Daemon {
    if (this.mirrorProcess === null) throw new Error(`The mirror of ${this.name} was not started yet.`);
    return this.mirrorProcess;
  }

  get mirrorIsRunning(): boolean {
    return this.mirrorProcess?.isRunning() === true;
  }

  get agentIsRunning(): boolean {
    return this.agentProcess?.isRunning() === true;
  }

  /** Switches it on and waits until its libvirt answers. The agent is started apart, by `startAgent`. */
  async powerOn(): Promise<void> {
    if (this.isOn) throw new Error(`${this.name} has power already.`);
    await this.prepareDisks();
    const { address, linkMbps, bridgePort, mac, bridge } = this.options;
    const log = openSync(this.hostLog, 'a', 0o600);
    const host = spawnHost(['/bin/bash', enterScript, 'sleep', 'infinity'], {
      log,
      env: {
        PARAVCL_HOST_NAME: this.name,
        PARAVCL_HOST_DISKS: this.disks,
        PARAVCL_HOST_ADDRESS: address,
        PARAVCL_HOST_LINK: `${String(linkMbps)}mbit`,
      },
    });
    closeSync(log);
    host.on('error', () => undefined);
    const ended = (): string | undefined => (host.exitCode === null && host.signalCode === null && host.pid !== undefined ? undefined : `${this.name} did not start. The end of ${this.hostLog}:\n${lastLines(this.hostLog)}`);
    try {
      const keeper = await eventually(`process 1 of ${this.name}`, 20_000, () => this.bornOf(host.pid ?? 0, ended), { everyMs: 5 });
      // As seen from the bridge: this end shapes what comes to the host, `enter` shapes what it sends.
      await runProgram('ip', ['link', 'add', bridgePort, 'type', 'veth', 'peer', 'name', 'lan0', 'address', mac, 'netns', String(keeper)]);
      await runProgram('ip', ['link', 'set', bridgePort, 'master', bridge, 'up']);
      await runProgram('tc', ['qdisc', 'add', 'dev', bridgePort, 'root', 'tbf', 'rate', `${String(linkMbps)}mbit`, 'burst', '256kb', 'latency', '50ms']);
      await eventually(`${this.name} to be up`, 120_000, () => {
        const fault = ended();
        if (fault !== undefined) throw new Error(fault);
        return existsSync(`/proc/${String(keeper)}/root/run/.private/ready`) ? true : undefined;
      });
      this.keeper = keeper;
    } catch (error) {
      host.kill('SIGKILL');
      throw error;
    }
  }

  /** Takes its power away: everything on it ends at once, disks stay. Nothing when it is off. */
  async powerOff(): Promise<void> {
    const { keeper } = this;
    if (keeper === null) return;
    // Also those that were stopped by a signal: what waits for them must bury them.
    this.agentProcess?.kill('SIGKILL');
    this.mirrorProcess?.kill('SIGKILL');
    const victims = processesBeside(keeper);
    try {
      process.kill(keeper, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
    await eventually(`everything on ${this.name} to be dead`, 30_000, () => (victims.some((pid) => isAlive(pid)) ? undefined : true), { everyMs: 10 });
    this.keeper = null;
    // Its network goes when the kernel gets to it; the cable has to be gone before the next power-on.
    await runProgram('ip', ['link', 'delete', this.options.bridgePort]).catch(() => undefined);
    await eventually(`the cable of ${this.name} to be gone`, 30_000, () => (existsSync(`/sys/class/net/${this.options.bridgePort}`) ? undefined : true), { everyMs: 10 });
    await this.poolDisk?.losePower();
    await this.poolDisk?.mount();
  }

  /** Pulls the cable: neither the master nor another host is reached, and nobody is told. */
  async unplug(): Promise<void> {
    await runProgram('ip', ['link', 'set', this.options.bridgePort, 'down']);
  }

  async plugIn(): Promise<void> {
    await runProgram('ip', ['link', 'set', this.options.bridgePort, 'up']);
  }

  /** Runs a program on the host to its end. */
  run(program: string, args: readonly string[] = [], options: RunOptions = {}): Promise<string> {
    // nsenter starts the program as its child: one that is given up shall not stay.
    const [nsenter, ...rest] = inNamespacesOf(this.pid, ['setpriv', '--pdeathsig', 'KILL', '--', program, ...args]);
    return runProgram(nsenter, rest, options);
  }

  /** Enrols it with a join token of `admin`, as the agent's own command does. With `again` an earlier enrolment is given up. */
  async enrol(admin: ApiClient, again = false): Promise<void> {
    const { token } = await admin.call(createJoinToken, { body: { note: `made by the workbench for ${this.name}` } });
    const args = [agentScript, 'enrol', ...this.agentOptions, '--master', this.options.masterUrl, '--name', this.name, '--token-file', '-', ...(again ? ['--again'] : [])];
    await this.run(process.execPath, args, { input: `${token}\n`, timeoutMs: 120_000, env: this.options.env ?? {} });
  }

  /** Starts the agent, also again after it was killed, and the mirror where none runs. Their sessions with the master come up by themselves. */
  async startAgent(): Promise<void> {
    if (!this.mirrorIsRunning && this.options.agentConfig?.['driver'] !== 'simulated') await this.startMirror();
    this.agentProcess = await this.startDaemon('agent', 'run', this.agentLog);
  }

  /** Starts the mirror, also again after it was killed. */
  async startMirror(): Promise<void> {
    this.mirrorProcess = await this.startDaemon('mirror', 'mirror', this.mirrorLog);
  }

  /** Starts another program where its mirror was, with the arguments that the mirror gets. */
  async startInPlaceOfMirror(script: string, args: readonly string[]): Promise<void> {
    if (this.mirrorIsRunning) throw new Error(`The mirror of ${this.name} runs.`);
    this.mirrorProcess = await this.startProgram('what is in place of the mirror', script, [...args, ...this.agentOptions], this.mirrorLog);
  }

  private startDaemon(name: string, command: string, logFile: string): Promise<Daemon> {
    return this.startProgram(name, agentScript, [command, ...this.agentOptions], logFile);
  }

  private startProgram(name: string, script: string, args: readonly string[], logFile: string): Promise<Daemon> {
    return Daemon.startThrough(inNamespacesOf(this.pid, ['env']), {
      name: `${name} of ${this.name}`,
      script,
      args,
      logFile,
      // Hosts share the machine's /tmp: what an agent that dies leaves must go with the lab's directory.
      env: { ...this.options.env, TMPDIR: this.temporary },
    });
  }

  /** The process id of its libvirtd as seen from here; null when none runs. */
  libvirtdPid(): number | null {
    try {
      const inner = Number(readFileSync(`/proc/${String(this.pid)}/root/run/libvirtd.pid`, 'utf8').trim());
      const pid = outerPid(this.pid, inner);
      return pid !== null && isAlive(pid) && readFileSync(`/proc/${String(pid)}/comm`, 'utf8').trim() === 'libvirtd' ? pid : null;
    } catch {
      return null;
    }
  }

  /** Starts libvirtd again after it was killed, and waits until it answers. */
  async startLibvirtd(): Promise<void> {
    await this.run('libvirtd', ['-d']);
    await eventually(`libvirt of ${this.name} to answer`, 60_000, () =>
      this.evidence.virsh('--quiet', 'version').then(
        () => true as const,
        () => undefined,
      ),
    );
  }

  /** Ends it for good, with the file system of its pool. Its directory stays. */
  async dismantle(): Promise<void> {
    await this.powerOff();
    if (this.hasPool) await runProgram('umount', ['--lazy', '--', this.pool]);
    this.hasPool = false;
    await this.poolDisk?.unmount();
  }

  private async prepareDisks(): Promise<void> {
    const { directory, poolMiB, offer, agentConfig } = this.options;
    for (const [path, mode] of [[directory, 0o711], [this.disks, 0o711], [this.pool, 0o711], [this.agentState, 0o700], [this.temporary, 0o711]] as const) await mkdir(path, { recursive: true, mode });
    // Made out here: it stays when the host is off, and hosts differ and can be filled up.
    if (this.poolDisk !== null) await this.poolDisk.mount();
    else if (!this.hasPool) {
      await runProgram('mount', ['-t', 'tmpfs', '-o', `mode=711,size=${String(poolMiB)}m`, `pool-${this.name}`, this.pool]);
      this.hasPool = true;
    }
    await writeFile(this.agentConfigFile, `# Made by the workbench.\n${stringify({ offer, ...agentConfig })}`, { mode: 0o600 });
  }

  /** Process 1, once it is there. */
  private bornOf(parent: number, ended: () => string | undefined): number | undefined {
    const fault = ended();
    if (fault !== undefined) throw new Error(fault);
    return childrenOf(parent)[0];
  }

  private get agentState(): string {
    return join(this.options.directory, 'agent');
  }

  private get temporary(): string {
    return join(this.options.directory, 'tmp');
  }

  private get agentConfigFile(): string {
    return join(this.options.directory, 'slave.yaml');
  }

  private get agentOptions(): readonly string[] {
    return ['--config', this.agentConfigFile, '--state-dir', this.agentState, '--pool-dir', this.pool];
  }
}

/** What a lab host itself says, never ParaVCL's code. What libvirt is asked needs power; files are there without. */
export class HostEvidence implements evidence.WitnessedHost {
  constructor(private readonly host: LabHost) {}

  get saves(): string {
    return join(this.host.disks, 'var/lib/libvirt/qemu/save');
  }

  get logs(): string {
    return join(this.host.disks, 'var/log/libvirt/qemu');
  }

  virsh(...args: readonly string[]): Promise<string> {
    return this.host.run('virsh', ['-c', 'qemu:///system', ...args], { timeoutMs: 20_000 });
  }

  /** `domstate`'s words (`running`, `shut off`, …), or null when there is no such domain. */
  domainState(instanceId: string): Promise<string | null> {
    return evidence.domainState(instanceId, this);
  }

  domainIds(): Promise<readonly string[]> {
    return evidence.domainIds(this);
  }

  hasSavedRam(instanceId: string): Promise<boolean> {
    return evidence.hasSavedRam(instanceId, this);
  }

  /** What is left of an instance here; empty when the host is clean of it. */
  leftovers(guest: Pick<evidence.Guest, 'instanceId' | 'name' | 'mac'>): Promise<readonly string[]> {
    return evidence.leftovers({ ...guest, network: this.host.options.guestNetwork, pool: this.host.pool }, this);
  }

  /** The page of the demo guest at an address of this host's network; undefined while nobody answers there. */
  guestPage(address: string): Promise<evidence.GuestPage | undefined> {
    return this.fetch(address, evidence.guestPagePath).then(evidence.readGuestPage, () => undefined);
  }

  /** What the demo guest at this address says of its conversation; with the address of another it begins one. Undefined while nobody answers. */
  guestConversation(address: string, other?: string): Promise<evidence.GuestConversation | undefined> {
    return this.fetch(address, `${evidence.guestTalkPath}${other === undefined ? '' : `?${other}`}`).then(evidence.readGuestConversation, () => undefined);
  }

  /** What the home volume of the demo guest at this address held before this word was written there; undefined while nobody answers. */
  guestHome(address: string, word: string): Promise<string | undefined> {
    return this.fetch(address, `${evidence.guestHomePath}?${word}`).then(evidence.readGuestHome, () => undefined);
  }

  /** All files and directories of its pool, by their paths in it. */
  poolFiles(): Promise<readonly string[]> {
    return evidence.poolFiles(this.host.pool);
  }

  /** MAC addresses for which the guests' network holds an address, with that address. */
  dhcpEntries(): Promise<ReadonlyMap<string, string>> {
    return evidence.dhcpEntries(this.host.options.guestNetwork, this);
  }

  /** Everything the instance's guest printed to its first serial port. */
  serialLog(instanceId: string): Promise<string> {
    return evidence.serialLog(this.host.pool, instanceId);
  }

  private fetch(address: string, path: string): Promise<string> {
    return this.host.run('busybox', ['wget', '-q', '-O', '-', `http://${address}${path}`], { timeoutMs: 5000 });
  }
}

function isAlive(pid: number): boolean {
  return new Daemon('', pid, '').isRunning();
}

function lastLines(file: string): string {
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-10).join('\n');
}
