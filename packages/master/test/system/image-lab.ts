import { createHash, randomBytes } from 'node:crypto';
import { open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { createImage, createKernel, createRamdisk, putImageContent, putKernelContent, putRamdiskContent, type ImageAnswer } from '@paravcl/shared/api/images';
import { createInstance, deleteInstance, listInstances } from '@paravcl/shared/api/instances';
import { drainSlave, listSlaves, undrainSlave } from '@paravcl/shared/api/slaves';
import { defaultChunkBytes } from '@paravcl/shared/chunks/manifest';
import type { Instance } from '@paravcl/shared/domain/instance';
import { mirrorFiles, type ImageStanding } from '@paravcl/slave/mirror/control-api';
import { MirrorClient } from '@paravcl/slave/disks/mirror-client';
import type { ApiClient } from '@paravcl/workbench/api-client';
import { eventually } from '@paravcl/workbench/eventually';
import { buildDemoGuest } from '@paravcl/workbench/guest/demo-guest';
import { patienceMs } from '@paravcl/workbench/lab/enrol-and-approve';
import { followOperation, instanceWhere } from '@paravcl/workbench/lab/follow-operation';
import type { LabHost } from '@paravcl/workbench/lab/lab-host';
import { LabSite, type LabSiteOptions } from '@paravcl/workbench/lab/lab-site';
import { randomPassword } from '@paravcl/workbench/lab/lab';

export const MiB = 1024 * 1024;

/** RAM of one guest: with what each host lends there is room for one on each. */
const guestRamMiB = 128;
export const hostRamMiB = 200;

/**
 * A first process that prints the SHA-256 of its whole disk, read once, and only then takes its address: a guest of these that
 * is running has read everything.
 */
const readsItsDisk =
  'rdinit=/bin/sh console=ttyS0 quiet -- -c "mount -t devtmpfs dev /dev; mount -t proc proc /proc; mount -t sysfs sys /sys; exec </dev/console >/dev/console 2>&1; ' +
  'while read -r m; do insmod /lib/modules/$m; done </lib/modules/load-order; echo reading; echo read $(busybox sha256sum /dev/vda); ' +
  'ip link set eth0 up; udhcpc -i eth0 -s /bin/sync -t 30 -T 1 -q; while :; do sleep 60; done"';

/** A disk of random bytes: what it takes to send it is its size. */
export interface TrialImage {
  readonly image: ImageAnswer;
  readonly content: Buffer;
  readonly sha256: string;
  readonly manifest: string;
  readonly chunks: number;
}

/** A lab with hosts behind slow links, and guests that say what they read. */
export class ImageLab {
  admin!: ApiClient;
  readonly password = randomPassword();
  private kernelId = '';
  private ramdiskId = '';
  /** Of kernel and ramdisk. */
  bootFileBytes = 0;

  constructor(readonly site: LabSite) {}

  static async open(options: Omit<LabSiteOptions, 'faultProxies'>): Promise<ImageLab> {
    if (process.env['PARAVCL_PRIVATE_HOST'] !== '1') throw new Error('This suite makes domains and networks: run it with npm test, inside a private host.');
    const guest = await buildDemoGuest();
    const lab = new ImageLab(
      new LabSite({
        ...options,
        faultProxies: true,
        hosts: options.hosts.map((host) => ({ offerCores: 1, offerRamMiB: hostRamMiB, linkMbps: 40, poolMiB: 512, ...host, agentConfig: { poolReserveMiB: 64, ...host.agentConfig } })),
        masterConfig: {
          fleet: { heartbeatSeconds: 1, suspectAfterSeconds: 3, lostAfterSeconds: 8 },
          placement: { coreOvercommit: 1, hostRamMiB: 0, criticalLimitPercent: 0 },
          ...options.masterConfig,
        },
      }),
    );
    await lab.site.up();
    lab.admin = await lab.site.master.firstAdmin('admin', lab.password);
    const { kernel, ramdisk } = guest;
    const { admin } = lab;
    lab.bootFileBytes = kernel.sizeBytes + ramdisk.sizeBytes;
    lab.kernelId = (await admin.call(createKernel, { body: { name: 'Kernel', sizeBytes: kernel.sizeBytes, sha256: kernel.sha256 } })).id;
    await admin.call(putKernelContent, { params: { imageId: lab.kernelId }, upload: { content: createReadStream(kernel.path), sizeBytes: kernel.sizeBytes } });
    lab.ramdiskId = (await admin.call(createRamdisk, { body: { name: 'Ramdisk', sizeBytes: ramdisk.sizeBytes, sha256: ramdisk.sha256 } })).id;
    await admin.call(putRamdiskContent, { params: { imageId: lab.ramdiskId }, upload: { content: createReadStream(ramdisk.path), sizeBytes: ramdisk.sizeBytes } });
    await lab.site.enrolAll(admin);
    return lab;
  }

  async close(): Promise<void> {
    await this.site.down();
    await rm(this.site.options.stateDir, { recursive: true, force: true });
  }

  /** Anew: a session ends while the lab sleeps. */
  async logIn(): Promise<void> {
    this.admin = await this.site.master.loginAs('admin', this.password);
  }

  /** Announces a disk with these bytes. */
  announce(name: string, content: Buffer, about: { readonly familyId?: string } = {}): Promise<ImageAnswer> {
    return this.admin.call(createImage, {
      body: {
        ...about,
        name,
        format: 'raw',
        sizeBytes: content.length,
        sha256: sha256(content),
        defaultKernelId: this.kernelId,
        defaultRamdiskId: this.ramdiskId,
        defaultVcpus: 1,
        defaultRamMiB: guestRamMiB,
        kernelArguments: readsItsDisk,
      },
    });
  }

  /** Registers and uploads a disk that no host has; random bytes without `content`. */
  async image(name: string, content = randomBytes(8 * MiB), about: { readonly familyId?: string } = {}): Promise<TrialImage> {
    const { id } = await this.announce(name, content, about);
    const image = await this.admin.call(putImageContent, { params: { imageId: id }, upload: { content: Readable.from([content]), sizeBytes: content.length } });
    return trialOf(image, content);
  }

  /** Launches on these hosts, one on each, and answers as soon as all are placed: in the order of the hosts. */
  async launch({ image, content }: TrialImage, hosts: readonly LabHost[]): Promise<readonly Instance[]> {
    const { admin } = this;
    const slaves = (await admin.call(listSlaves)).items;
    const others = slaves.filter(({ name, admission }) => admission === 'approved' && !hosts.some((host) => host.name === name));
    for (const { id } of others) await admin.call(drainSlave, { params: { slaveId: id } });
    const placed = await Promise.all(
      hosts.map(async () => {
        const { instance } = await admin.call(createInstance, { body: { imageId: image.id, diskMiB: Math.ceil(content.length / MiB), minutes: null } });
        return instanceWhere(admin, instance.id, `${instance.name} to be placed`, ({ slaveId }) => slaveId !== null);
      }),
    );
    for (const { id } of others) await admin.call(undrainSlave, { params: { slaveId: id } });
    return hosts.map((host) => {
      const slaveId = slaves.find(({ name }) => name === host.name)?.id;
      const instance = placed.find((one) => one.slaveId === slaveId);
      if (instance === undefined) throw new Error(`Nothing was placed on ${host.name}.`);
      return instance;
    });
  }

  /** Waits until the guest has read its whole disk, by its own word, and answers the SHA-256 of what it read. */
  async read(host: LabHost, instance: Instance): Promise<string> {
    let printed = '';
    return eventually(
      `the guest of ${host.name} to have read its disk`,
      patienceMs,
      async () => {
        printed = await host.evidence.serialLog(instance.id);
        return /^read ([0-9a-f]{64}) /m.exec(printed)?.[1];
      },
      { state: () => printed.slice(-500) },
    );
  }

  /** Waits until the API says that it runs. */
  async runs(instance: Instance): Promise<void> {
    await instanceWhere(this.admin, instance.id, `${instance.name} to run`, ({ observed }) => observed === 'running');
  }

  /** Every guest read the original, and so would whoever reads these hosts now. Then the guests go. */
  async checkEverything(image: TrialImage, guests: readonly (readonly [LabHost, Instance])[], servers: readonly LabHost[] = guests.map(([host]) => host)): Promise<void> {
    for (const [host, instance] of guests) expect(await this.read(host, instance)).toBe(image.sha256);
    await Promise.all(guests.map(([, instance]) => this.runs(instance)));
    expect(await Promise.all(servers.map((host) => this.wrongBytes(host, image)))).toEqual(servers.map(() => 0));
    await this.remove(...guests.map(([, instance]) => instance));
  }

  async remove(...instances: readonly Instance[]): Promise<void> {
    await Promise.all(instances.map(async ({ id }) => followOperation(this.admin, (await this.admin.call(deleteInstance, { params: { instanceId: id } })).operation)));
  }

  /** The guest has begun to read its disk. */
  async begins(host: LabHost, instance: Instance): Promise<void> {
    await eventually(`the guest of ${host.name} to read its disk`, patienceMs, async () => ((await host.evidence.serialLog(instance.id)).includes('reading') ? true : undefined), { everyMs: 10 });
  }

  async knows(host: LabHost, { manifest }: TrialImage): Promise<void> {
    await eventually(`${host.name} to know the image`, patienceMs, async () => ((await holdingOf(host, manifest)) === null ? undefined : true), { everyMs: 5 });
  }

  /** The host has got at least so many of a hundred chunks of an image, and lacks some. */
  async inTheMiddle(host: LabHost, { manifest }: TrialImage, percent = 20): Promise<void> {
    let seen = 'nothing';
    await eventually(
      `${host.name} to have ${String(percent)} % of the image`,
      patienceMs,
      async () => {
        const holding = await holdingOf(host, manifest);
        if (holding === null) return undefined;
        seen = `${String(holding.presentChunks)} of ${String(holding.totalChunks)}`;
        return holding.presentChunks >= (holding.totalChunks * percent) / 100 ? true : undefined;
      },
      { everyMs: 5, state: () => seen },
    );
    const holding = await holdingOf(host, manifest);
    if (holding?.complete !== false) throw new Error(`${host.name} had all of the image before the fault: ${seen}.`);
  }

  /** Has the host bring every chunk, as its agent would ask it to. */
  async whole(host: LabHost, { manifest }: Pick<TrialImage, 'manifest'>): Promise<void> {
    await eventually(`${host.name} to have the whole image`, patienceMs, async () => ((await standingOf(host, manifest))?.complete === true ? true : undefined));
  }

  /** Reads everything the host serves of an image, with QEMU's own tool, and answers how many of its bytes are wrong. */
  async wrongBytes(host: LabHost, { manifest, content }: TrialImage): Promise<number> {
    const file = join(host.options.directory, 'tmp', `${manifest}.read`);
    const socket = join(host.pool, mirrorFiles.directory, mirrorFiles.nbdSocket);
    await eventually(`the mirror of ${host.name} to answer`, patienceMs, async () => ((await holdingOf(host, manifest)) === null ? undefined : true));
    try {
      await host.run('qemu-img', ['convert', '-f', 'raw', '-O', 'raw', '--', `nbd+unix:///${manifest}?socket=${socket}`, file], { timeoutMs: 60_000 });
      return differing(await readFile(file), content);
    } finally {
      await rm(file, { force: true });
    }
  }

  /** Makes good what a test that failed left broken, and removes its guests. */
  async mend(): Promise<void> {
    if (!this.site.master.process.isRunning()) await this.site.master.start();
    for (const host of this.site.hosts) {
      host.link?.pass();
      if (!host.isOn) await host.powerOn();
      await host.plugIn();
      if (!host.mirrorIsRunning) await host.startMirror();
      if (!host.agentIsRunning) await host.startAgent();
    }
    const left = (await this.admin.call(listInstances)).items.filter(({ observed }) => observed !== 'deleted');
    await this.remove(...left);
  }

  /** Bytes that left the master towards the hosts since it was made, agents' messages and TLS included. */
  get egressBytes(): number {
    return this.site.hosts.reduce((sum, { link }) => sum + (link?.counters.bytesToClient ?? 0), 0);
  }

  async killMaster(): Promise<void> {
    const { process: master } = this.site.master;
    master.kill('SIGKILL');
    await eventually('the master to be gone', patienceMs, () => (master.isRunning() ? undefined : true), { everyMs: 5 });
  }
}

/** Kills what is there, at once, and waits for its end. */
export async function killed(daemon: LabHost['mirror']): Promise<void> {
  daemon.kill('SIGKILL');
  await eventually(`${daemon.name} to be gone`, patienceMs, () => (daemon.isRunning() ? undefined : true), { everyMs: 5 });
}

/** Turns some bytes of one chunk in the host's own file into others, behind its mirror's back. */
export async function damage(host: LabHost, { manifest }: TrialImage, index: number): Promise<void> {
  const file = await open(dataFile(host, manifest), 'r+');
  try {
    await file.write(randomBytes(4096), 0, 4096, index * defaultChunkBytes + 8192);
    await file.sync();
  } finally {
    await file.close();
  }
}

export function dataFile(host: LabHost, manifest: string): string {
  return join(host.pool, mirrorFiles.directory, mirrorFiles.images, manifest, 'data');
}

/** What the mirror of the host says of an image that is wanted whole there; null while it does not answer. */
export function standingOf(host: LabHost, manifest: string): Promise<ImageStanding | null> {
  return new MirrorClient(host.pool).ask(manifest, 'whole').catch(() => null);
}

export async function holdingOf(host: LabHost, manifest: string): Promise<{ readonly presentChunks: number; readonly totalChunks: number; readonly complete: boolean } | null> {
  const images = await new MirrorClient(host.pool).images().catch(() => null);
  return images?.images.find(({ holding }) => holding.manifest === manifest)?.holding ?? null;
}

export function trialOf(image: ImageAnswer, content: Buffer): TrialImage {
  if (image.state !== 'ready' || image.manifestId === null) throw new Error(`${image.friendlyId} is ${image.state}: ${image.reason ?? 'no reason given'}`);
  return { image, content, sha256: sha256(content), manifest: image.manifestId, chunks: Math.ceil(content.length / defaultChunkBytes) };
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export function differing(found: Buffer, original: Buffer): number {
  if (found.equals(original)) return 0;
  let wrong = Math.abs(found.length - original.length);
  for (let at = 0; at < Math.min(found.length, original.length); at += 1) if (found[at] !== original[at]) wrong += 1;
  return wrong;
}
