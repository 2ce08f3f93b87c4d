import type { SnapshotKeeper } from '@paravcl/workbench/bench/multisnapshot/stored-growth';
import { chunkCount, manifestOf } from '@paravcl/shared/chunks/manifest';
import { hashBytes } from '@paravcl/shared/chunks/manifest-hashes';
import { createHash } from 'node:crypto';
import { readdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { ChunkStore } from '../../src/store/chunk-store';
import { DeltaIntake } from '../../src/store/delta-intake';
import { DirectoryBackend } from '../../src/store/directory-backend';

/** As `du` counts. */
const blockBytes = 512;
const atOnce = 32;

/** The master's own store in a directory, for what measures it. */
export async function snapshotKeeper(directory: string): Promise<SnapshotKeeper & { readonly store: ChunkStore }> {
  const store = new ChunkStore(new DirectoryBackend(directory));
  await store.open();
  const intake = new DeltaIntake(store);
  return {
    store,
    keepDisk: async (sizeBytes, chunkBytes, chunks) => {
      const session = store.begin();
      const hashes = Buffer.alloc(chunkCount({ sizeBytes, chunkBytes }) * hashBytes);
      let [at, putting]: [number, Promise<void>[]] = [0, []];
      for (const bytes of chunks) {
        if (bytes !== null) {
          const hash = createHash('sha256').update(bytes).digest();
          hash.copy(hashes, at);
          putting.push(session.put(hash, bytes));
        }
        at += hashBytes;
        if (putting.length < atOnce) continue;
        await Promise.all(putting);
        putting = [];
      }
      await Promise.all(putting);
      const id = await session.putManifest(manifestOf({ chunkBytes, sizeBytes }, hashes));
      session.release();
      return id;
    },
    keepDelta: async (path, base) => {
      const { manifestId, release } = await intake.take(path, base);
      release();
      await unlink(path);
      return manifestId;
    },
    takenBytes: async () => {
      const names = await readdir(directory, { recursive: true });
      const sizes = await Promise.all(names.map(async (name) => (await stat(join(directory, name))).blocks * blockBytes));
      return sizes.reduce((sum, bytes) => sum + bytes, 0);
    },
  };
}
