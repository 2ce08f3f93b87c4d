import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { createImage, putImageContent } from '@paravcl/shared/api/images';
import { createInstance } from '@paravcl/shared/api/instances';
import { listSlaves } from '@paravcl/shared/api/slaves';
import { defaultChunkBytes } from '@paravcl/shared/chunks/manifest';
import type { ApiClient } from '../../api-client';
import { eventually } from '../../eventually';
import { instanceWhere } from '../../lab/follow-operation';
import { randomPassword } from '../../lab/lab';
import { labLayout } from '../../lab/lab-layout';
import { LabMaster } from '../../lab/lab-master';
import { runProgram } from '../../process/run-program';
import { cpuSeconds } from '../measured-process';
import { rawLinkMbps } from './baselines';
import { bootChunks, type BootTrace } from './boot-trace';
import { goFirst } from './go-first';
import { LightHost } from './light-host';
import { writeNoiseImage, type NoiseImage } from './noise-image';
import { RealGuests, type RealBoot } from './real-guests';
import { ReplayProcess } from './replay-orders';
import { hostAddress, makeHostNetwork, makeSwitch, masterAddress, masterSentBytes } from './shaped-network';
import { imageBytes, linkMbps } from './sizes';

const patternWithinMs = 60_000;
const startWithinMs = 60_000;
/** So many that a burst of the shaper is no matter. */
const probeBytes = 12 * 1024 * 1024;
/** Content of this share of the link's rate must come through, else it is no link of that rate. */
const leastOfLink = 0.95;

/** One run of N guests at once, as the bench sees it. */
export interface DeployRun {
  readonly guests: number;
  /** From the first word to a mirror until the last guest is through. */
  readonly seconds: number;
  readonly wrongBytes: number;
  /** Bytes that left the master on its link meanwhile. */
  readonly masterSentBytes: number;
  /** Bytes of chunks that reached the mirrors, from anybody. */
  readonly fetchedBytes: number;
  readonly cpu: { readonly mirrors: number; readonly master: number; readonly readers: number };
  /** Of the guest that was through last. */
  readonly answeredAtMs: readonly number[];
}

/** One run of real guests at once. */
export interface RealRun extends RealBoot {
  readonly masterSentBytes: number;
  /** Bytes of chunks that reached one mirror, from anybody. */
  readonly fetchedBytes: number;
}

/** A master and light hosts with shaped links, three images, and the pattern of the first. */
export class DeploySite {
  readonly hosts: readonly LightHost[];
  readonly replay = new ReplayProcess();
  private readonly master: LabMaster;
  private real: { readonly guests: RealGuests; readonly manifest: string } | null = null;
  private images: { readonly first: NoiseImage; readonly second: NoiseImage; readonly unrecorded: NoiseImage } | null = null;

  /** One host more than guests: a boot there tells the pattern, and then it is off. */
  constructor(
    private readonly stateDir: string,
    private readonly trace: { readonly file: string; readonly boot: BootTrace },
    guests: number,
    private readonly say: (line: string) => void,
  ) {
    this.master = new LabMaster({ stateDir, host: masterAddress, port: 8443, siteName: 'ParaVCL bench', network: { name: 'paravcl-bench', bridge: 'pvclbench0', cidr: '10.214.0.0/24' }, env: profiling });
    this.hosts = Array.from({ length: guests + 1 }, (_, index) => new LightHost(index + 1, join(this.hostsDir, String(index + 1))));
  }

  /** Version 1, its version 2 with 5 % other chunks, and one whose boots nobody recorded. */
  get content() {
    if (this.images === null) throw new Error('The site is not up.');
    return this.images;
  }

  get tlsDirectory(): string {
    return join(labLayout(this.stateDir).masterState, 'tls');
  }

  get hostsDir(): string {
    return join(this.stateDir, 'h');
  }

  async up(): Promise<void> {
    const { stateDir, say, hosts } = this;
    await makeSwitch(linkMbps);
    for (const { number } of hosts) await makeHostNetwork(number, linkMbps);
    await mkdir(this.hostsDir, { recursive: true });
    // Each host has a disk of its own; here all would share one, so theirs are in memory.
    await runProgram('mount', ['-t', 'tmpfs', '-o', 'mode=711,size=12g', 'bench-hosts', this.hostsDir]);
    const image = (name: string, seed: number, changed?: { share: number; seed: number }) =>
      writeNoiseImage({ path: join(stateDir, name), sizeBytes: imageBytes, chunkBytes: defaultChunkBytes, seed, ...(changed === undefined ? {} : { changed }) });
    this.images = { first: await image('first.raw', 1), second: await image('second.raw', 1, { share: 0.05, seed: 2 }), unrecorded: await image('unrecorded.raw', 3) };
    await this.checkLink();
    await this.master.prepare();
    await this.master.start();
    goFirst(this.master.process.pid);
    const admin = await this.master.firstAdmin('admin', randomPassword());
    const caPem = await readFile(this.master.caFile, 'utf8');
    for (const host of hosts) await host.enrol({ masterUrl: this.master.url, caPem, admin });
    const { id: firstId } = await this.register(admin, this.images.first);
    for (const one of [this.images.second, this.images.unrecorded]) await this.register(admin, one);
    const guests = await RealGuests.make(stateDir);
    const { manifestId } = await this.register(admin, guests.disk);
    if (manifestId === null) throw new Error('The disk of the real guests has no manifest.');
    this.real = { guests, manifest: manifestId };
    say(`${String(hosts.length)} hosts are enrolled, three images of ${String(imageBytes / 2 ** 20)} MiB are in the store`);
    await this.recordPattern(admin, firstId);
  }

  /** Stops every host and starts these with empty disks, connected to the master. */
  async onlyEmpty(hosts: readonly LightHost[]): Promise<void> {
    await Promise.all(this.hosts.map((host) => host.stop()));
    for (const host of hosts) await host.startEmpty(host.number === 1 ? profiling : {});
    await Promise.all(hosts.map((host) => host.connected()));
  }

  /** Boots one guest on each of the hosts. */
  async boot(hosts: readonly LightHost[], image: NoiseImage, options: { readonly withPauses?: boolean; readonly oneAfterAnother?: boolean } = {}): Promise<DeployRun> {
    const before = await this.meters(hosts);
    const { guests, seconds, cpuSeconds: readers } = await this.replay.boot({
      guests: hosts.map((host) => host.guest(image.manifest, randomUUID())),
      traceFile: this.trace.file,
      imageFile: image.path,
      withPauses: options.withPauses ?? true,
      oneAfterAnother: options.oneAfterAnother ?? false,
    });
    const after = await this.meters(hosts);
    const last = guests.reduce((a, b) => (b.seconds > a.seconds ? b : a));
    return {
      guests: guests.length,
      seconds,
      wrongBytes: guests.reduce((sum, { wrongBytes }) => sum + wrongBytes, 0),
      masterSentBytes: after.sent - before.sent,
      fetchedBytes: after.fetched - before.fetched,
      cpu: { mirrors: after.mirrorsCpu - before.mirrorsCpu, master: after.masterCpu - before.masterCpu, readers },
      answeredAtMs: last.answeredAtMs,
    };
  }

  /** Boots a real guest on each of the hosts, through its mirror. */
  async bootReal(hosts: readonly LightHost[]): Promise<RealRun> {
    const { guests, manifest } = this.realGuests;
    const before = await this.meters(hosts);
    const run = await guests.boot(hosts.map((host) => host.guest(manifest, randomUUID())));
    const after = await this.meters(hosts);
    return { ...run, masterSentBytes: after.sent - before.sent, fetchedBytes: (after.fetched - before.fetched) / hosts.length };
  }

  /** As many at once from the plain file. */
  bootRealHere(guests: number): Promise<RealBoot> {
    return this.realGuests.guests.boot(Array.from({ length: guests }, () => null));
  }

  async down(): Promise<void> {
    this.replay.end();
    await Promise.all(this.hosts.map((host) => host.stop()));
    await this.master.stop();
    await runProgram('umount', ['--lazy', '--', this.hostsDir]).catch(() => undefined);
  }

  private get realGuests() {
    if (this.real === null) throw new Error('The site is not up.');
    return this.real;
  }

  private async meters(hosts: readonly LightHost[]) {
    const figures = await Promise.all(hosts.map((host) => host.figures()));
    const cpu = await Promise.all(hosts.map((host) => host.cpuSeconds()));
    return {
      sent: await masterSentBytes(),
      fetched: figures.reduce((sum, { fromPeersBytes, fromMasterBytes }) => sum + fromPeersBytes + fromMasterBytes, 0),
      mirrorsCpu: cpu.reduce((sum, one) => sum + one, 0),
      masterCpu: await cpuSeconds(this.master.process.pid),
    };
  }

  private async checkLink(): Promise<void> {
    const { down, up } = await rawLinkMbps(this.content.first, { number: 1, address: hostAddress(1) }, probeBytes, this.stateDir);
    this.say(`a link moves ${down.toFixed(1)} Mbit/s of content from the master to a host and ${up.toFixed(1)} back, of ${String(linkMbps)}; ${String(cpus().length)} cores`);
    const slow = Math.min(down, up);
    if (slow < leastOfLink * linkMbps || Math.max(down, up) > linkMbps) throw new Error(`A link shaped to ${String(linkMbps)} Mbit/s moves ${slow.toFixed(1)} to ${Math.max(down, up).toFixed(1)} Mbit/s of content: it must be ${String(leastOfLink * linkMbps)} to ${String(linkMbps)}. Nothing was measured.`);
  }

  private async register(admin: ApiClient, { path, sizeBytes, sha256 }: Pick<NoiseImage, 'path' | 'sizeBytes' | 'sha256'>): Promise<{ readonly id: string; readonly manifestId: string | null }> {
    const body = { name: path.split('/').at(-1) ?? 'image', format: 'raw', sizeBytes, sha256 } as const;
    const { id } = await admin.call(createImage, { body });
    const stored = await admin.call(putImageContent, { params: { imageId: id }, upload: { content: createReadStream(path), sizeBytes } });
    if (stored.state !== 'ready') throw new Error(`${stored.friendlyId} is ${stored.state}: ${stored.reason ?? 'no reason given'}`);
    return { id, manifestId: stored.manifestId };
  }

  /** One boot on the host that is no guest's later: what it read becomes the pattern of the first image. */
  private async recordPattern(admin: ApiClient, imageId: string): Promise<void> {
    const host = this.hosts.at(-1);
    if (host === undefined) throw new Error('There is no host.');
    const { first } = this.content;
    await this.onlyEmpty([host]);
    host.startAgent();
    // Its own agent and the only one: the launch comes here, and the master believes what this host's mirror tells of it.
    await eventually('the host of the first boot to be online', startWithinMs, async () => {
      host.checkAgent();
      return (await admin.call(listSlaves)).items.some(({ liveness }) => liveness === 'online') ? true : undefined;
    });
    const { id: instanceId } = (await admin.call(createInstance, { body: { imageId, vcpus: 1, ramMiB: 128 } })).instance;
    await instanceWhere(admin, instanceId, 'the first guest to have a host', ({ slaveId }) => slaveId !== null);
    const { seconds } = await this.replay.boot({ guests: [host.guest(first.manifest, instanceId)], traceFile: this.trace.file, imageFile: first.path, withPauses: true, oneAfterAnother: false });
    await host.guestIsOver(instanceId);
    const wanted = bootChunks(this.trace.boot, defaultChunkBytes).length;
    let known = 0;
    await eventually(
      'the pattern of that boot to come back from the master',
      patternWithinMs,
      async () => ((known = await host.bootChunks(first.manifest)) === wanted ? true : undefined),
      { state: () => `${String(known)} of ${String(wanted)} chunks` },
    );
    await host.stop();
    this.say(`a first boot on a host of its own took ${seconds.toFixed(1)} s and is the pattern from now on`);
  }
}

/** To see where processor time goes: PARAVCL_BENCH_PROFILE names a directory for profiles of the master and of the first host's mirror. */
const profiling: Readonly<Record<string, string>> = process.env['PARAVCL_BENCH_PROFILE'] === undefined ? {} : { NODE_OPTIONS: `--require=${join(__dirname, 'profile-until-exit.js')}` };
