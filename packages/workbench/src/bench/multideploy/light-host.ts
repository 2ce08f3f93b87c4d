import { createHash, generateKeyPairSync } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createJoinToken } from '@paravcl/shared/api/join-tokens';
import { parseJson } from '@paravcl/shared/parse-json';
import { agentEnrolPath } from '@paravcl/shared/protocol/version';
import { stringify } from 'yaml';
import { z } from 'zod';
import type { ApiClient } from '../../api-client';
import { eventually } from '../../eventually';
import { agentScript } from '../../lab/lab-layout';
import { postJson } from '../post-json';
import { simulatedDescribe } from '../simulated-agent';
import { knownBootChunks, mirrorFigures, tellPhase, type MirrorFigures } from './mirror-control';
import type { GuestDisk } from './replay-orders';
import { hostAddress, hostMac, inHost } from './shaped-network';
import { StartedProgram } from './started-program';

/** Longer than 32 mirrors need to start at once on two cores. */
const startWithinMs = 90_000;
const answerSchema = z.object({ slaveId: z.string(), siteId: z.string() });

export interface EnrolmentDesk {
  readonly masterUrl: string;
  readonly caPem: string;
  readonly admin: ApiClient;
}

/**
 * A host with nothing but a network and a mirror: no libvirt, no agent unless it is asked for. Its slave is enrolled by the real route with a key of
 * its own, and its mirror is the program that is shipped.
 */
export class LightHost {
  private mirror: StartedProgram | null = null;
  private agent: StartedProgram | null = null;

  constructor(
    readonly number: number,
    /** Everything of it lies below; short, because sockets lie there. */
    private readonly directory: string,
  ) {}

  /** Makes it a slave of the site, approved by the administrator who made the token. */
  async enrol({ masterUrl, caPem, admin }: EnrolmentDesk): Promise<void> {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const { token } = await admin.call(createJoinToken, { body: { note: 'light host of a bench', preapproved: true } });
    const about = { name: `light-${String(this.number)}`, address: hostAddress(this.number), mac: hostMac(this.number) };
    const answer = await postJson(new URL(agentEnrolPath, masterUrl), caPem, {
      token,
      name: about.name,
      publicKey: publicKey.export({ type: 'spki', format: 'der' }).toString('base64url'),
      machineId: this.machineId,
      macs: [about.mac],
      describe: simulatedDescribe(about),
    });
    const { slaveId, siteId } = answerSchema.parse(parseJson(answer));
    for (const path of [this.stateDir, this.pool]) await mkdir(path, { recursive: true, mode: 0o711 });
    await writeFile(join(this.directory, 'machine-id'), `${this.machineId}\n`);
    await writeFile(this.configFile, stringify({ driver: 'simulated', machineIdFile: join(this.directory, 'machine-id'), logLevel: 'warn' }), { mode: 0o600 });
    // What `paravcl-slave enrol` leaves behind.
    await writeFile(join(this.stateDir, 'agent-key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    await writeFile(join(this.stateDir, 'ca.pem'), caPem, { mode: 0o644 });
    await writeFile(join(this.stateDir, 'enrolment.json'), JSON.stringify({ masterUrl, slaveId, siteId, name: about.name, trust: 'pinned' }), { mode: 0o600 });
  }

  /** Starts its mirror with nothing on its disk. `env` is added to its environment. */
  async startEmpty(env: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.stop();
    await rm(join(this.pool, 'mirror'), { recursive: true, force: true });
    this.mirror = StartedProgram.start(this.command('mirror'), join(this.directory, 'mirror.log'), env);
  }

  /** Its agent, whose guests are simulated: launches can be placed here. */
  startAgent(): void {
    this.agent = StartedProgram.start(this.command('run'), join(this.directory, 'agent.log'));
  }

  /** Throws with its last words when its agent has ended. */
  checkAgent(): void {
    this.agent?.checkAlive();
  }

  /** Waits until its mirror has the master's welcome. */
  async connected(): Promise<void> {
    let seen = 'no answer';
    await eventually(
      `the mirror of host ${String(this.number)} to be connected`,
      startWithinMs,
      async () => {
        this.running.checkAlive();
        const figures = await this.figures().catch((error: unknown) => void (seen = String(error)));
        return figures === undefined || figures.masterSince === null ? undefined : true;
      },
      { everyMs: 100, state: () => seen },
    );
  }

  /** As when its power goes. */
  async stop(): Promise<void> {
    // A profile is written at an orderly end only.
    await this.mirror?.end(process.env['PARAVCL_BENCH_PROFILE'] === undefined ? 'SIGKILL' : 'SIGTERM');
    this.mirror = null;
    await this.agent?.end();
    this.agent = null;
  }

  figures(): Promise<MirrorFigures> {
    return mirrorFigures(this.controlSocket);
  }

  /** Chunks of the boot set that its mirror knows of an image. */
  bootChunks(manifest: string): Promise<number> {
    return knownBootChunks(this.controlSocket, manifest);
  }

  /** The guest came up and was shut down: its mirror hands on what it recorded. */
  async guestIsOver(instanceId: string): Promise<void> {
    await tellPhase(this.controlSocket, instanceId, 'application');
    await tellPhase(this.controlSocket, instanceId, 'shutdown');
  }

  cpuSeconds(): Promise<number> {
    return this.running.cpuSeconds();
  }

  /** A guest of this host; with an instance's id the mirror records what it reads. */
  guest(manifest: string, instanceId?: string): GuestDisk {
    return {
      socket: { path: join(this.pool, 'mirror', 'nbd.sock') },
      exportName: instanceId === undefined ? manifest : `${manifest}.${instanceId}`,
      mirror: { controlSocket: this.controlSocket, manifest },
    };
  }

  private command(name: 'mirror' | 'run'): [string, ...string[]] {
    return inHost(this.number, [process.execPath, agentScript, name, '--config', this.configFile, '--state-dir', this.stateDir, '--pool-dir', this.pool]);
  }

  private get running(): StartedProgram {
    if (this.mirror === null) throw new Error(`The mirror of host ${String(this.number)} was not started.`);
    return this.mirror;
  }

  private get machineId(): string {
    return createHash('sha256').update(`light host ${String(this.number)}`).digest('hex').slice(0, 32);
  }

  private get stateDir(): string {
    return join(this.directory, 'agent');
  }

  private get pool(): string {
    return join(this.directory, 'pool');
  }

  private get configFile(): string {
    return join(this.directory, 'slave.yaml');
  }

  private get controlSocket(): string {
    return join(this.pool, 'mirror', 'control.sock');
  }
}
