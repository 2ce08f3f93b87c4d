import { stat, statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { MiB } from '@paravcl/shared/domain/limits';
import type { Account } from '../describe/file-access';
import type { PoolFacts } from './diagnose-pool';

/** Magic numbers of statfs(2). */
const fileSystems: Readonly<Record<number, string>> = {
  0xef53: 'ext4',
  0x58465342: 'xfs',
  0x9123683e: 'btrfs',
  0x2fc12fc1: 'zfs',
  0xf2f52010: 'f2fs',
  0x01021994: 'tmpfs',
  0x794c7630: 'overlayfs',
  0x6969: 'nfs',
  0xff534d42: 'cifs',
};

/** Looks at the pool directory and every directory above it. */
export async function collectPool(directory: string, qemuAccount: Account | null): Promise<PoolFacts> {
  const names = [resolve(directory)];
  for (let up = dirname(names[0] ?? '/'); up !== names[0]; up = dirname(up)) names.unshift(up);
  const steps = await Promise.all(names.map((name) => stat(name).then((found) => ({ name, found }), () => null)));
  const path = steps.filter((step) => step !== null).map(({ name, found }) => ({ name, uid: found.uid, gid: found.gid, mode: found.mode }));
  const last = steps.at(-1);
  if (!last) return { directory, path, exists: false, isDirectory: false, space: null, fileSystem: null, qemuAccount };
  const { blocks, bavail, bsize, type } = await statfs(directory);
  return {
    directory,
    path,
    exists: true,
    isDirectory: last.found.isDirectory(),
    space: { totalMiB: Math.floor((blocks * bsize) / MiB), availableMiB: Math.floor((bavail * bsize) / MiB) },
    // Node gives the number signed on some platforms.
    fileSystem: fileSystems[type >>> 0] ?? `file system 0x${(type >>> 0).toString(16)}`,
    qemuAccount,
  };
}
