import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { imageFormatSchema } from '@paravcl/shared/domain/image';
import { idSchema } from '@paravcl/shared/ids';
import type { InstanceSpec } from '@paravcl/shared/protocol/desired-instance';
import { DiskStoreError } from './disk-store';
import type { InstanceBase } from './instance-base';
import { names, type PoolLayout } from './pool-layout';

const fileName = /^([0-9a-f]{64})\.(raw|qcow2)$/;

/**
 * Whole image files that releases before the mirror fetched. Instances made of them go on with them; nothing new is
 * made of them, and one goes when the list of no instance names it any more.
 */
export class EarlierImages {
  private readonly checks = new Map<string, Promise<boolean>>();
  /** Files that are not what their names say, as they were then. */
  private readonly wrong = new Map<string, string>();

  constructor(
    private readonly layout: PoolLayout,
    private readonly hostBootId: string,
    private readonly onFault: (error: unknown) => void,
  ) {}

  /** What an instance of an earlier release is made of, by its own list: disk, then what it boots. Null when there is no such instance. */
  async baseOf(instanceId: string, spec: InstanceSpec): Promise<InstanceBase | null> {
    const list = await this.listOf(this.layout.instance(instanceId));
    if (list === null) return null;
    const [disk, ...boots] = list;
    const kernel = spec.kernel === null ? undefined : boots.shift();
    const ramdisk = spec.ramdisk === null ? undefined : boots.shift();
    if (disk === undefined || !list.every((name) => fileName.test(name))) throw new DiskStoreError('failed', `${join(this.layout.instance(instanceId), names.images)} does not say what the instance is made of.`);
    const path = (name: string): string => join(this.layout.earlierImages, name);
    return {
      backing: { kind: 'file', path: path(disk), format: imageFormatSchema.parse(fileName.exec(disk)?.[2]) },
      kernel: kernel === undefined ? null : path(kernel),
      ramdisk: ramdisk === undefined ? null : path(ramdisk),
    };
  }

  /** True when the file is there and was read to its end and found right since the host was started. The first answer takes as long as that. */
  async isRight(path: string): Promise<boolean> {
    const check = this.checks.get(path) ?? this.check(path).finally(() => this.checks.delete(path));
    this.checks.set(path, check);
    return check;
  }

  /** Removes what no instance is made of. Nothing, when the list of one cannot be read: then it may be made of any. */
  async sweep(): Promise<void> {
    const there = await readdir(this.layout.earlierImages).catch(() => null);
    if (there === null) return;
    const held = new Set<string>();
    for (const entry of await readdir(this.layout.instances)) {
      if (!idSchema.safeParse(entry).success) continue;
      const list = await this.listOf(this.layout.instance(entry));
      for (const name of list ?? []) held.add(name);
    }
    for (const name of there.filter((each) => !held.has(each))) {
      await rm(join(this.layout.earlierImages, name), { force: true });
      await rm(join(this.layout.verified, name), { force: true });
    }
    if (held.size > 0) return;
    for (const directory of [this.layout.earlierImages, this.layout.verified]) await rmdir(directory).catch(() => undefined);
  }

  /** Lines of an instance's list; null when its directory is gone. Throws when it is cut short. */
  private async listOf(directory: string): Promise<string[] | null> {
    const text = await readFile(join(directory, names.images), 'utf8').catch(() => '');
    if (text.endsWith('\n')) return text.trimEnd().split('\n');
    if ((await stat(directory).catch(() => null)) === null) return null;
    throw new DiskStoreError('failed', `${join(directory, names.images)} cannot be read, so no image of an earlier release is removed.`);
  }

  private async check(path: string): Promise<boolean> {
    const name = path.slice(this.layout.earlierImages.length + 1);
    const mark = join(this.layout.verified, name);
    const found = await stat(path).catch(() => null);
    if (found === null) return false;
    if ((await readFile(mark, 'utf8').catch(() => null)) === this.hostBootId) return true;
    // Asked again and again while a launch waits; only another file is worth another hashing.
    const sight = `${found.mtimeMs} ${found.size}`;
    if (this.wrong.get(path) === sight) return false;
    if ((await sha256Of(path)) !== fileName.exec(name)?.[1]) {
      this.wrong.set(path, sight);
      return false;
    }
    // Without it the file counts too: what is lost costs one more hashing.
    await mkdir(this.layout.verified, { recursive: true, mode: 0o711 })
      .then(() => writeFile(mark, this.hostBootId))
      .catch(this.onFault);
    return true;
  }
}

/** Null when the disk does not give every byte. */
async function sha256Of(path: string): Promise<string | null> {
  const hash = createHash('sha256');
  try {
    for await (const part of createReadStream(path, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>) hash.update(part);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EIO') return null;
    throw error;
  }
  return hash.digest('hex');
}
