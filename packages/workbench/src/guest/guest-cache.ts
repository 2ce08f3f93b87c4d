import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { parseJson } from '@paravcl/shared/parse-json';

export const guestFileSchema = z.object({ path: z.string(), sizeBytes: z.int().positive(), sha256: z.string().length(64) }).readonly();
/** A file ready to be registered as an image. */
export type GuestFile = z.infer<typeof guestFileSchema>;

/** `PARAVCL_CACHE`, else /var/cache/paravcl for root, else `.cache` in the project. */
export function cacheDirectory(): string {
  const chosen = process.env['PARAVCL_CACHE'];
  if (chosen !== undefined && chosen !== '') return resolve(chosen);
  return process.getuid?.() === 0 ? '/var/cache/paravcl' : resolve(__dirname, '..', '..', '..', '..', '.cache');
}

/** Where a build may write: `out` holds what is kept, the rest goes with it. */
export interface BuildPlace {
  readonly work: string;
  readonly out: string;
  /** A file of `out` as it will be found once it is kept. */
  describe(name: string): Promise<GuestFile>;
}

export interface KeptGuest<T> {
  /** `CACHE/demo-guest`: holds one directory for each key. */
  readonly directory: string;
  /** Of everything the guest is made from. */
  readonly key: string;
  readonly schema: z.ZodType<T>;
  readonly filesOf: (guest: T) => readonly GuestFile[];
  readonly build: (place: BuildPlace) => Promise<T>;
}

/**
 * The guest of this key from the cache, else built and kept. Several builders at once are safe: the finished directory is
 * renamed into place. Throws what `build` throws.
 */
export async function keptGuest<T>({ directory, key, schema, filesOf, build }: KeptGuest<T>): Promise<T> {
  const home = join(directory, key);
  const read = (): Promise<T | null> => readRecord(home, schema, filesOf);
  const cached = await read();
  if (cached !== null) return cached;

  const work = join(directory, `building-${randomUUID()}`);
  const out = join(work, 'out');
  await mkdir(out, { recursive: true });
  try {
    const guest = await build({
      work,
      out,
      describe: async (name) => ({ path: join(home, name), sizeBytes: (await stat(join(out, name))).size, sha256: await sha256OfFile(join(out, name)) }),
    });
    await writeFile(join(out, 'guest.json'), `${JSON.stringify(guest, null, 2)}\n`);
    await rename(out, home).catch(async (error: unknown) => {
      // Another builder was first, with the same content; or the old directory is damaged and goes.
      if ((await read()) !== null) return;
      await rm(home, { recursive: true, force: true });
      await rename(out, home).catch(() => {
        throw error;
      });
    });
    return (await read()) ?? guest;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const part of createReadStream(path)) hash.update(part as Uint8Array);
  return hash.digest('hex');
}

/** The cached guest, or null when it is not there or a file of it is not as recorded (a cache may be tidied by hand). */
async function readRecord<T>(home: string, schema: z.ZodType<T>, filesOf: KeptGuest<T>['filesOf']): Promise<T | null> {
  const text = await readFile(join(home, 'guest.json'), 'utf8').catch(() => null);
  if (text === null) return null;
  const guest = schema.safeParse(parseJson(text));
  if (!guest.success) return null;
  for (const file of filesOf(guest.data)) {
    const found = await stat(file.path).catch(() => null);
    if (found?.size !== file.sizeBytes || (await sha256OfFile(file.path)) !== file.sha256) return null;
  }
  return guest.data;
}
