// A chunk store under constant change, to be killed: keeps images, drops some from its books, sweeps, tells each step on a line.
import { chunkCount, manifestOf } from '@paravcl/shared/chunks/manifest';
import { hashBytes } from '@paravcl/shared/chunks/manifest-hashes';
import { createHash, randomBytes, randomInt } from 'node:crypto';
import { mkdirSync, readdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ChunkStore } from '../../src/store/chunk-store';
import { DirectoryBackend } from '../../src/store/directory-backend';

const directory = process.argv[2] ?? '';
const books = join(directory, 'books');
const chunkBytes = 4096;

async function keep(store: ChunkStore): Promise<void> {
  const sizeBytes = chunkBytes * randomInt(1, 60);
  const hashes = Buffer.alloc(chunkCount({ sizeBytes, chunkBytes }) * hashBytes);
  const session = store.begin();
  for (let index = 0; index * chunkBytes < sizeBytes; index += 1) {
    // Some are in many images, some in one.
    const bytes = randomInt(3) > 0 ? Buffer.alloc(chunkBytes, `chunk ${String(randomInt(100))} `) : randomBytes(chunkBytes);
    const hash = createHash('sha256').update(bytes).digest();
    hash.copy(hashes, index * hashBytes);
    await session.put(hash, bytes);
  }
  const id = await session.putManifest(manifestOf({ chunkBytes, sizeBytes }, hashes));
  writeFileSync(join(books, id), '');
  session.release();
}

async function run(): Promise<void> {
  mkdirSync(books, { recursive: true });
  const store = new ChunkStore(new DirectoryBackend(directory));
  await store.open();
  for (let step = 0; ; step += 1) {
    await Promise.all([keep(store), keep(store), step % 3 === 0 ? store.sweep(() => Promise.resolve(readdirSync(books))) : undefined]);
    for (const id of readdirSync(books)) if (randomInt(8) === 0) unlinkSync(join(books, id));
    process.stdout.write('.');
  }
}

void run();
