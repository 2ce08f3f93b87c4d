import { join } from 'node:path';
import type { Clock } from '@paravcl/shared/clock';
import type { Logger } from 'pino';
import type { Config } from './config';
import { readQemuOwner } from './describe/qemu-account';
import { PoolLayout } from './disks/pool-layout';
import { readEnrolment, trustOf } from './link/enrolment-record';
import { readAgentKey, readBootId, readMachineId } from './link/identity';
import { mirrorFiles } from './mirror/control-api';
import { ControlServer } from './mirror/control-server';
import { Fetcher } from './mirror/fetcher';
import { hostFiles, hostFilesReadBy, keepFromOthers } from './mirror/file-layer';
import { ImageCompletion } from './mirror/image-completion';
import { imageExport, readExportName } from './mirror/image-export';
import { MirrorLibrary } from './mirror/image-library';
import { ManifestFetcher } from './mirror/manifest-fetcher';
import { MasterDoor } from './mirror/master-door';
import { NbdServer } from './mirror/nbd/nbd-server';
import { PeerConnections } from './mirror/peer-connections';
import { PeerServer } from './mirror/peer-server';
import { Prefetcher } from './mirror/prefetch';
import { ReadRecorder } from './mirror/read-recorder';
import { Scrub } from './mirror/scrub';
import { lockState } from './state-lock';

export interface RunningMirror {
  /** Syncs what it has and marks its end as one in order. */
  stop(): Promise<void>;
}

/** Puts the mirror of this host together and starts it. Throws when the host is not enrolled. */
export async function startMirror(config: Config, clock: Clock, log: Logger, build: string): Promise<RunningMirror> {
  const enrolment = await readEnrolment(config.stateDir);
  const key = await readAgentKey(config.stateDir);
  if (enrolment === null || key === null) {
    throw new Error('This host is not enrolled. Ask an operator of the lab for a join token, then: paravcl-slave enrol --master https://MASTER');
  }
  const unlock = await lockState(config.stateDir, 'mirror');
  const [trust, machineId, bootId, qemu] = await Promise.all([trustOf(config.stateDir, enrolment), readMachineId(config.machineIdFile), readBootId(), process.getuid?.() === 0 ? readQemuOwner() : null]);
  const directory = join(config.poolDir, mirrorFiles.directory);
  if (qemu !== null) await keepFromOthers(directory, qemu.gid);

  let library: MirrorLibrary | null = null;
  const server: PeerServer | null =
    config.mirror.peerPort === 0
      ? null
      : await PeerServer.listen({
          port: config.mirror.peerPort,
          images: { find: (id) => library?.find(id) ?? null, soon: (id) => library?.soon(id) ?? Promise.resolve(null) },
          bringsFor: (id, index, rank) => fetcher.bringsFor(id, index, rank),
          manifestUpTo: (id, part) => manifests.upTo(id, part),
          clock,
          log,
        });
  const door: MasterDoor = new MasterDoor(
    {
      clock,
      log,
      random: Math.random,
      masterUrl: enrolment.masterUrl,
      ...trust,
      slaveId: enrolment.slaveId,
      siteId: enrolment.siteId,
      machineId,
      build,
      key,
      peer: () => (server === null ? null : { port: server.port, address: config.mirror.peerAddress ?? null }),
      present: (id) => {
        const image = library?.find(id) ?? null;
        return image === null ? null : { bits: image.present(), complete: image.isComplete };
      },
      manifest: (id) => library?.find(id)?.manifest ?? null,
      held: async (id, index) => (await library?.find(id)?.held(index)) ?? null,
    },
    {
      onSecret: (secret) => server?.welcome(secret),
      onMembers: (id, change, anew) => fetcher.members(id, change, anew),
      onPattern: (id, pattern) => {
        fetcher.pattern(id, pattern);
        prefetcher.pattern(id, pattern);
        sayHoldings();
      },
      onPreCopy: (images) => {
        opened.wantAhead(new Set(images.map(({ manifest }) => manifest)));
        prefetcher.wish(images);
      },
      onGone: (manifests) => opened.gone(manifests),
      onUp: () => sayHoldings(),
    },
  );
  const peers = new PeerConnections(clock, (member, manifest, why) => {
    log.info({ slaveId: member.slaveId, why }, 'another mirror cannot be reached; others are asked');
    door.fault(manifest, member.slaveId, 'unreachable', 0);
  });
  const fetcher: Fetcher = new Fetcher(door, peers, clock, log);
  const manifests: ManifestFetcher = new ManifestFetcher(door, peers, fetcher, clock);
  const opened = (library = await MirrorLibrary.open({
    files: qemu === null ? hostFiles : hostFilesReadBy(qemu.gid),
    poolDir: config.poolDir,
    bootId,
    clock,
    log,
    source: {
      fetch: (image, index, urgent) => fetcher.fetch(image, index, urgent),
      manifest: (id) => manifests.manifest(id),
      opened: (image) => fetcher.opened(image),
      closed: (id) => {
        prefetcher.forget(id);
        fetcher.closed(id);
      },
    },
    reserveMiB: config.poolReserveMiB,
    cacheMiB: config.mirror.cacheMiB ?? null,
    imageCacheDays: config.imageCacheDays,
  }));
  const prefetcher: Prefetcher = new Prefetcher(opened, clock, config.mirror, log);
  const completion = new ImageCompletion(opened, (id) => prefetcher.bootSet(id), clock, log);
  const scrub = new Scrub(opened, completion, clock, log);
  const recorder = new ReadRecorder({
    clock,
    earlier: await hostFiles.list(new PoolLayout(config.poolDir).instances),
    finished: (manifest, instanceId, recording) => door.recorded(manifest, instanceId, recording),
  });
  const sayHoldings = (): void => door.holdings(opened.all().map((image) => image.holding(prefetcher.bootSet(image.id))), opened.poolFull);
  opened.onChange(sayHoldings);

  const nbdSocket = join(directory, mirrorFiles.nbdSocket);
  const nbd = await NbdServer.listen({
    path: nbdSocket,
    owner: qemu,
    clock,
    log,
    open: async (name) => {
      const named = readExportName(name);
      const image = named === null ? null : await opened.openForReader(named.manifest);
      if (image === null) return null;
      if (named?.instanceId == null) return imageExport(image, []);
      const recorded = recorder.begin(image, named.instanceId);
      return imageExport(image, [...(recorded === null ? [] : [recorded]), prefetcher.boots(image)]);
    },
  });
  const control = await ControlServer.listen({
    path: join(directory, mirrorFiles.controlSocket),
    nbdSocket,
    images: opened,
    completion,
    scrub,
    log,
    bootSet: (id) => prefetcher.bootSet(id),
    phase: (instanceId, phase) => recorder.phase(instanceId, phase),
    status: () => ({
      build,
      masterSince: door.since === null ? null : new Date(door.since).toISOString(),
      poolFull: opened.poolFull,
      readers: opened.readers,
      fromPeersBytes: fetcher.fromPeersBytes,
      fromMasterBytes: fetcher.fromMasterBytes,
      toPeersBytes: server?.toPeersBytes ?? 0,
      fromOtherImagesBytes: opened.fromOtherImagesBytes,
      peerPort: server?.port ?? null,
    }),
  });
  door.start();
  void completion.checkAll().catch((err: unknown) => log.error({ err }, 'doubtful images are no longer hashed again in the background; they are when they are read'));
  void scrub.run().catch((err: unknown) => log.error({ err }, 'images are no longer hashed again every week'));
  log.info({ slave: enrolment.name, images: opened.all().length }, 'the mirror serves');
  return {
    stop: async () => {
      prefetcher.stop();
      completion.stop();
      scrub.stop();
      await Promise.all([control.close(), nbd.close(), server?.close()]);
      door.stop();
      peers.stop();
      await opened.close();
      unlock();
    },
  };
}
