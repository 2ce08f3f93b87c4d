import { emptyPattern, type AccessPattern, type Recording } from '@paravcl/shared/chunks/access-pattern';
import { chunkCount, chunkHash, chunkLength, defaultChunkBytes, encodeManifest, manifestOf, type Manifest, type ManifestId } from '@paravcl/shared/chunks/manifest';
import { hashBytes } from '@paravcl/shared/chunks/manifest-hashes';
import { systemClock, type Clock } from '@paravcl/shared/clock';
import type { AddressCheck, Admission } from '@paravcl/shared/domain/slave';
import { newId } from '@paravcl/shared/ids';
import express from 'express';
import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closeServer, listen } from '../../src/https-server';
import { ChunkRepair } from '../../src/mirrors/chunk-repair';
import { ConnectedMirrors } from '../../src/mirrors/connected-mirrors';
import { ImageSpreadRegistry } from '../../src/mirrors/image-spread-registry';
import { ManifestHealing } from '../../src/mirrors/manifest-healing';
import { defaultMirrorLimits, MirrorGateway, type MirrorDoorLimits } from '../../src/mirrors/mirror-gateway';
import { PeerKeys } from '../../src/mirrors/peer-keys';
import { StoreHealing } from '../../src/mirrors/store-healing';
import { MirrorHelloService } from '../../src/services/mirror-hello-service';
import type { FoundDamage, MirrorBooks } from '../../src/services/mirror-fleet';
import { ChunkStore } from '../../src/store/chunk-store';
import { DirectoryBackend } from '../../src/store/directory-backend';
import { serverIdentity } from '../../src/tls/server-identity';
import { newIdentity, plainDescribe } from './agent-double';
import { MirrorDouble } from './mirror-double';
import { openTestDatabase } from './test-database';

/** An image as tests make them: chunk `zeroAt` is of zeros, every third can be deflated. */
export interface SampleImage {
  readonly id: ManifestId;
  readonly manifest: Manifest;
  readonly encoded: Buffer;
  chunk(index: number): Buffer;
}

const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();
export const zeroAt = 3;

function sampleImage(chunks: number): SampleImage {
  const sizeBytes = chunks * defaultChunkBytes - 512;
  const seed = randomBytes(16);
  const size = { chunkBytes: defaultChunkBytes, sizeBytes };
  const chunk = (index: number): Buffer => {
    const length = chunkLength(size, index);
    if (index === zeroAt) return Buffer.alloc(length);
    const word = createHash('sha256').update(seed).update(String(index)).digest();
    if (index % 3 === 0) return Buffer.alloc(length, word);
    // A stream cipher's output is not to be deflated.
    return createCipheriv('aes-256-ctr', word, Buffer.alloc(16)).update(Buffer.alloc(length));
  };
  const hashes = Buffer.concat(Array.from({ length: chunks }, (_, index) => (index === zeroAt ? Buffer.alloc(hashBytes) : sha256(chunk(index)))));
  const manifest = manifestOf(size, hashes);
  const encoded = encodeManifest(manifest);
  return { id: sha256(encoded).toString('hex'), manifest, encoded, chunk };
}

/** What the services are told; what they answer is set by tests. */
export class BooksDouble implements MirrorBooks {
  readonly patterns = new Map<ManifestId, AccessPattern>();
  /** Images that a slave may not have. */
  readonly keptFrom = new Map<string, ReadonlySet<ManifestId>>();
  readonly recordings: { readonly manifest: ManifestId; readonly slaveId: string; readonly instanceId: string; readonly recording: Recording }[] = [];
  readonly liars: { readonly slaveId: string; readonly manifest: ManifestId; readonly toldBy: string | null }[] = [];
  readonly damage: FoundDamage[] = [];
  readonly manifestsBack: { readonly manifest: ManifestId; readonly slaveId: string }[] = [];
  /** Thrown by the next call. */
  fault: Error | null = null;
  /** Why the next recording comes too late. */
  late: string | null = null;

  imageOf(manifest: ManifestId, slaveId: string): Promise<{ readonly imageId: string; readonly pattern: AccessPattern } | null> {
    const pattern = this.keptFrom.get(slaveId)?.has(manifest) === true ? undefined : this.patterns.get(manifest);
    return this.answered(pattern === undefined ? null : { imageId: newId(1), pattern });
  }

  recorded(manifest: ManifestId, slaveId: string, instanceId: string, recording: Recording): Promise<string | null> {
    this.recordings.push({ manifest, slaveId, instanceId, recording });
    const { late } = this;
    this.late = null;
    return this.answered(late);
  }

  gaveWrongBytes(slaveId: string, manifest: ManifestId, toldBy: string | null): Promise<void> {
    this.liars.push({ slaveId, manifest, toldBy });
    return this.answered(undefined);
  }

  manifestCameBack(manifest: ManifestId, slaveId: string): Promise<void> {
    this.manifestsBack.push({ manifest, slaveId });
    return this.answered(undefined);
  }

  storeDamaged(found: FoundDamage): Promise<void> {
    this.damage.push(found);
    return this.answered(undefined);
  }

  private answered<T>(value: T): Promise<T> {
    const { fault } = this;
    this.fault = null;
    return fault === null ? Promise.resolve(value) : Promise.reject(fault);
  }
}

export interface MirrorServerOptions {
  readonly limits?: Partial<MirrorDoorLimits>;
  readonly addressCheck?: AddressCheck;
  readonly clock?: Clock;
}

/** The mirrors' door as main composes it: the HTTPS server, a store on disk, the books of slaves in a database. */
export async function startMirrorServer(options: MirrorServerOptions = {}) {
  const database = await openTestDatabase();
  const directory = mkdtempSync(join(tmpdir(), 'mirror-server-'));
  const clock = options.clock ?? systemClock;
  const store = new ChunkStore(new DirectoryBackend(join(directory, 'store')));
  await store.open();
  const books = new BooksDouble();
  const warnings: { readonly fields: object; readonly message: string }[] = [];
  const infos: string[] = [];
  const log = { info: (_fields: object, message: string) => void infos.push(message), warn: (fields: object, message: string) => void warnings.push({ fields, message }) };
  const sent = { bytes: 0, chunks: 0 };
  const keys = new PeerKeys();
  const registry = new ImageSpreadRegistry({ clock, keys });
  const repair = new ChunkRepair({ clock, registry, books, onFault: (error) => log.warn({ err: error }, 'a fault of the books') });
  const mirrors = new ConnectedMirrors(registry, repair);
  const gateway = new MirrorGateway(
    {
      clock, log, siteId: newId(1), hellos: new MirrorHelloService(database.unit, options.addressCheck ?? 'warn'), mirrors, registry, keys, books, store,
      healing: new StoreHealing({ clock, log, registry, store, repair, books }),
      manifests: new ManifestHealing({ clock, log, store, books }),
      onChunkSent: (bytes) => {
        sent.bytes += bytes;
        sent.chunks += 1;
      },
    },
    { ...defaultMirrorLimits, ...options.limits },
  );
  const identity = await serverIdentity({ names: [] }, 'https://127.0.0.1', join(directory, 'tls'), new Date());
  const server = await listen(express(), [gateway], identity, { host: '127.0.0.1', port: 0 });
  const url = `https://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  const doubles: MirrorDouble[] = [];
  let enrolled = 0;

  const self = {
    url, store, books, storeDirectory: join(directory, 'store'), registry, mirrors, gateway, warnings, infos, sent, unit: database.unit, db: database.db,

    /** The mirror of a slave that has enrolled and is in this state. */
    async mirror(admission: Admission = 'approved', name = `lab-pc-${String(++enrolled)}`): Promise<MirrorDouble> {
      const who = newIdentity(name);
      const slaveId = newId(Date.now());
      await database.unit.read.slaves.insert({
        id: slaveId, name, kind: 'dedicated', ownerUserId: null, maxConnections: null, admission, admissionReason: null, liveness: 'lost', publicKey: who.publicKey, machineId: who.machineId,
        macs: who.macs, enrolledAddress: '127.0.0.1', address: null, presented: null, describe: plainDescribe(who.macs[0] ?? ''), foreignDomains: [], agentBuild: null,
        epoch: 0, lastSeenAt: null, declaredDeadAt: null, createdAt: Date.now(),
      });
      return self.copy(new MirrorDouble(url, identity.caPem ?? '', who, slaveId));
    },
    /** Another mirror with the same key, or with what is changed of it. */
    copy(of: MirrorDouble, change: Partial<MirrorDouble['identity']> = {}): MirrorDouble {
      const double = new MirrorDouble(url, identity.caPem ?? '', { ...of.identity, ...change }, of.slaveId);
      doubles.push(double);
      return double;
    },
    /** Mirrors that are connected and have the image open on channel 1. */
    async sharing(count: number, image: Pick<SampleImage, 'id'>): Promise<MirrorDouble[]> {
      const all: MirrorDouble[] = [];
      for (let at = 0; at < count; at += 1) {
        const mirror = await self.mirror();
        await mirror.connect();
        await mirror.open(1, image.id);
        all.push(mirror);
      }
      return all;
    },
    /** An image in the store, and in the books. */
    async image(chunks: number): Promise<SampleImage> {
      const image = sampleImage(chunks);
      const session = store.begin();
      for (let index = 0; index < chunkCount(image.manifest); index += 1) if (index !== zeroAt) await session.put(chunkHash(image.manifest, index), image.chunk(index));
      await session.putManifest(image.manifest);
      session.release();
      books.patterns.set(image.id, { ...emptyPattern, revision: 1, boot: [1, 2] });
      return image;
    },
    async close(): Promise<void> {
      try {
        for (const double of doubles) await double.end();
      } finally {
        gateway.close();
        await closeServer(server);
        await store.close();
        await database.close();
        rmSync(directory, { recursive: true });
      }
    },
  };
  return self;
}

export type MirrorServer = Awaited<ReturnType<typeof startMirrorServer>>;
