import { existsSync } from 'node:fs';
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { approveSlave, listSlaves } from '@paravcl/shared/api/slaves';
import type { Slave } from '@paravcl/shared/domain/slave';
import type { ApiClient } from '../api-client';
import { eventually } from '../eventually';
import { FaultProxy } from '../faults/fault-proxy';
import { runProgram } from '../process/run-program';
import { patienceMs } from './enrol-and-approve';
import { LabClock } from './lab-clock';
import { LabHost } from './lab-host';
import { LabMaster } from './lab-master';
import { LabError, longestHostDirectory } from './lab-record';

export interface LabHostWish {
  readonly name?: string;
  /** Cores and RAM its agent lends to the lab. */
  readonly offerCores?: number;
  readonly offerRamMiB?: number;
  readonly poolMiB?: number;
  /** Its pool loses with the power what was not synced. */
  readonly poolLosesUnsynced?: boolean;
  readonly linkMbps?: number;
  /** More of its agent's configuration file. */
  readonly agentConfig?: Readonly<Record<string, unknown>>;
}

export interface LabSiteOptions {
  /** Everything lies below it. QEMU's user must be able to walk there, and sockets lie in it: 34 bytes at most with hosts named up to `host-16`. */
  readonly stateDir: string;
  readonly hosts: readonly LabHostWish[];
  /** More of the master's configuration file, as in { fleet: { heartbeatSeconds: 1, suspectAfterSeconds: 3, lostAfterSeconds: 6 } }. */
  readonly masterConfig?: Readonly<Record<string, unknown>>;
  readonly siteName?: string;
  /** Puts a fault proxy between each agent and the master: `host.link`. */
  readonly faultProxies?: boolean;
}

/** The lab's network inside its namespace. The guests' is another one on each host, behind its NAT. */
const lan = { bridge: 'labbr0', mac: '02:00:5e:00:54:00', address: '10.77.0.1', prefix: 24, hostAddress: (number: number) => `10.77.0.${String(10 + number)}` } as const;
const masterPort = 8443;
const guestNetwork = { name: 'paravcl-lab', bridge: 'pvcllab0', cidr: '10.216.0.0/24' } as const;

/**
 * A master and several hosts, joined by a bridge, inside the private host of this process. Everything of it ends with
 * this process, except its directory.
 */
export class LabSite {
  readonly master: LabMaster;
  readonly hosts: readonly LabHost[];
  readonly clock: LabClock;
  readonly guestNetwork = guestNetwork;

  /** Throws LabError when the path of a host's directory is too long for the sockets in it. */
  constructor(readonly options: LabSiteOptions) {
    const { stateDir } = options;
    const wishes = options.hosts.map((wish, index) => ({ ...wish, name: wish.name ?? `host-${String(index + 1)}` }));
    for (const { name } of wishes) checkRoomForSockets(join(stateDir, name));
    this.clock = new LabClock(join(stateDir, 'clock', 'time'), wishes.map(({ name }) => name));
    this.master = new LabMaster({
      stateDir,
      host: lan.address,
      port: masterPort,
      siteName: options.siteName ?? 'ParaVCL lab',
      network: guestNetwork,
      config: options.masterConfig ?? {},
      env: this.clock.env,
    });
    this.hosts = wishes.map(({ name, ...wish }, index) => {
      const number = index + 1;
      const proxyPort = masterPort + number;
      const proxied = options.faultProxies === true;
      return new LabHost({
        name,
        directory: join(stateDir, name),
        address: `${lan.hostAddress(number)}/${String(lan.prefix)}`,
        mac: `02:00:5e:00:54:${number.toString(16).padStart(2, '0')}`,
        bridgePort: `labport${String(number)}`,
        bridge: lan.bridge,
        masterUrl: proxied ? `https://${lan.address}:${String(proxyPort)}` : this.master.url,
        link: proxied ? new FaultProxy({ listen: { host: lan.address, port: proxyPort }, target: { host: lan.address, port: masterPort } }) : null,
        guestNetwork: guestNetwork.name,
        linkMbps: wish.linkMbps ?? 1000,
        offer: { cores: wish.offerCores ?? 2, ramMiB: wish.offerRamMiB ?? 2048 },
        poolMiB: wish.poolMiB ?? 2048,
        poolLosesUnsynced: wish.poolLosesUnsynced ?? false,
        // Behind a proxy all hosts dial the master from one address: other mirrors are told where each really is.
        agentConfig: proxied ? { mirror: { peerAddress: lan.hostAddress(number) }, ...wish.agentConfig } : (wish.agentConfig ?? {}),
        env: this.clock.envOf(name),
      });
    });
  }

  /** The host of that name. Throws with the names there are. */
  host(name: string): LabHost {
    const found = this.hosts.find((host) => host.name === name);
    if (found === undefined) throw new Error(`There is no host ${name} in this lab; there are ${this.hosts.map((host) => host.name).join(', ')}.`);
    return found;
  }

  /** Network, master and all hosts with power. Nobody is enrolled yet. */
  async up(): Promise<void> {
    await this.connect();
    await Promise.all([this.startMaster(), ...this.hosts.map((host) => host.powerOn())]);
  }

  /** The bridge, the clock and the directory. */
  async connect(): Promise<void> {
    if (process.env['PARAVCL_PRIVATE_HOST'] !== '1') throw new Error('A lab makes interfaces and hosts: it is made inside a private host, node packages/workbench/dist/private-host.js -- COMMAND.');
    await mkdir(this.options.stateDir, { recursive: true, mode: 0o711 });
    await chmod(this.options.stateDir, 0o711);
    await this.clock.open();
    // Of its own: a bridge takes the lowest address of its ports, and when a host goes or comes the others would speak to one that is gone.
    await runProgram('ip', ['link', 'add', lan.bridge, 'address', lan.mac, 'type', 'bridge']);
    await runProgram('ip', ['address', 'add', `${lan.address}/${String(lan.prefix)}`, 'dev', lan.bridge]);
    await runProgram('ip', ['link', 'set', lan.bridge, 'up']);
    for (const host of this.hosts) await host.link?.start();
  }

  async startMaster(): Promise<void> {
    await this.master.prepare();
    await this.master.start();
  }

  /** Enrols all hosts, starts their agents, waits until they are online, approves them. In the order of `hosts`. */
  enrolAll(admin: ApiClient): Promise<readonly Slave[]> {
    return Promise.all(
      this.hosts.map(async (host) => {
        await host.enrol(admin);
        await host.startAgent();
        const slave = await this.onlineSlave(admin, host);
        return admin.call(approveSlave, { params: { slaveId: slave.id }, body: {} });
      }),
    );
  }

  /** Waits until the master sees the host's slave online. */
  async onlineSlave(admin: ApiClient, host: LabHost): Promise<Slave> {
    let seen = 'no such host';
    return eventually(
      `${host.name} to be online`,
      patienceMs,
      async () => {
        host.agent.checkAlive();
        const slave = (await admin.call(listSlaves)).items.find(({ name }) => name === host.name);
        seen = slave === undefined ? seen : `${slave.name} ${slave.admission}, ${slave.liveness}`;
        return slave?.liveness === 'online' ? slave : undefined;
      },
      { state: () => seen },
    );
  }

  /** Ends everything and takes the network down. The directory stays. */
  async down(): Promise<void> {
    await Promise.all([...this.hosts.map((host) => host.dismantle()), this.master.stop()]);
    await Promise.all(this.hosts.map((host) => host.link?.stop()));
    if (existsSync(`/sys/class/net/${lan.bridge}`)) await runProgram('ip', ['link', 'delete', lan.bridge]);
  }
}

function checkRoomForSockets(hostDirectory: string): void {
  const bytes = Buffer.byteLength(hostDirectory);
  if (bytes <= longestHostDirectory) return;
  throw new LabError(`${hostDirectory} is ${String(bytes)} bytes long; a lab host's directory may have ${String(longestHostDirectory)}, because sockets lie deep in it. Choose a shorter directory for the lab, or a shorter name for the host.`);
}
