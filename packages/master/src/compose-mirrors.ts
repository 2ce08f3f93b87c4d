import type { ManifestId } from '@paravcl/shared/chunks/manifest';
import type { Clock } from '@paravcl/shared/clock';
import type { AddressCheck } from '@paravcl/shared/domain/slave';
import type { Logger } from 'pino';
import { Counter, Gauge, type Registry } from 'prom-client';
import type { UnitOfWork } from './db/unit-of-work';
import { ChunkRepair } from './mirrors/chunk-repair';
import { ConnectedMirrors } from './mirrors/connected-mirrors';
import { ImageSpreadRegistry } from './mirrors/image-spread-registry';
import { ManifestHealing } from './mirrors/manifest-healing';
import { MirrorGateway } from './mirrors/mirror-gateway';
import { PeerKeys } from './mirrors/peer-keys';
import { StoreHealing } from './mirrors/store-healing';
import { AccessPatternService } from './services/access-pattern-service';
import { MirrorHelloService } from './services/mirror-hello-service';
import type { ChunkStore } from './store/chunk-store';

export interface MirrorFoundation {
  readonly unit: UnitOfWork;
  readonly clock: Clock;
  readonly log: Logger;
  readonly siteId: string;
  readonly addressCheck: AddressCheck;
  readonly store: ChunkStore;
  readonly metrics: Registry;
  readonly onFault: (error: unknown) => void;
}

/** The door of the hosts' mirrors, and what is known of them. */
export interface MirrorComposition {
  readonly gateway: MirrorGateway;
  readonly fleet: ConnectedMirrors;
  readonly patterns: AccessPatternService;
  /** The store could not give a chunk of this image to a reader here: it is looked for on hosts that have the image open. */
  missed(manifest: ManifestId, index: number): void;
}

export function composeMirrors({ unit, clock, log, siteId, addressCheck, store, metrics, onFault }: MirrorFoundation): MirrorComposition {
  const patterns = new AccessPatternService(unit, store, clock);
  const keys = new PeerKeys();
  const registry = new ImageSpreadRegistry({ clock, keys });
  const repair = new ChunkRepair({ clock, registry, books: patterns, onFault });
  const fleet = new ConnectedMirrors(registry, repair);
  const sent = new Counter({ name: 'paravcl_chunk_bytes_total', help: 'Bytes of image chunks sent to mirrors since the start.', registers: [metrics] });
  const healing = new StoreHealing({ clock, log, registry, store, repair, books: patterns });
  const gateway = new MirrorGateway({
    clock, log, siteId, keys, registry, store,
    hellos: new MirrorHelloService(unit, addressCheck),
    mirrors: fleet,
    books: patterns,
    healing,
    manifests: new ManifestHealing({ clock, log, store, books: patterns }),
    onChunkSent: (bytes) => { sent.inc(bytes); },
  });
  new Gauge({
    name: 'paravcl_mirrors_connected',
    help: 'Mirrors of hosts that are connected now.',
    registers: [metrics],
    collect() {
      this.set(fleet.size);
    },
  });
  const missed = (manifest: ManifestId, index: number): void => {
    const image = registry.find(manifest);
    if (image !== null) healing.missed(image, index);
  };
  return { gateway, fleet, patterns, missed };
}
