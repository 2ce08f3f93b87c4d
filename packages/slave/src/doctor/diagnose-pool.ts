import type { Account, Ownership } from '../describe/file-access';
import { isAllowed } from '../describe/file-access';
import { fault, ok, warning, type Finding } from '@paravcl/shared/finding';

export interface PoolFacts {
  readonly directory: string;
  /** The directory and those above it, root first; shorter than the path when something is missing. */
  readonly path: readonly (Ownership & { readonly name: string })[];
  readonly exists: boolean;
  readonly isDirectory: boolean;
  /** Null when it does not exist. */
  readonly space: { readonly totalMiB: number; readonly availableMiB: number } | null;
  /** Name of the file system, or its magic number. */
  readonly fileSystem: string | null;
  readonly qemuAccount: Account | null;
}

/** Less than this and not even a small overlay can grow. */
const faultBelowMiB = 1024;
/** Less than this and a class of twenty cannot write half a gigabyte each. */
const warnBelowMiB = 10 * 1024;

const gib = (mib: number): string => `${(mib / 1024).toFixed(1)} GiB`;

export function diagnosePool(facts: PoolFacts): readonly Finding[] {
  const { directory } = facts;
  if (!facts.exists) return [fault('pool', `The pool directory ${directory} does not exist.`, `install -d -m 0711 ${directory}`)];
  if (!facts.isDirectory) return [fault('pool', `The pool ${directory} is a file, not a directory.`, `mv ${directory} ${directory}.was && install -d -m 0711 ${directory}`)];
  return [ok('pool', `The pool directory ${directory} exists.`), ...diagnoseFileSystem(facts), ...diagnoseRoom(facts), ...diagnoseWay(facts)];
}

function diagnoseFileSystem({ directory, fileSystem }: PoolFacts): readonly Finding[] {
  if (fileSystem === 'tmpfs') return [warning('pool-file-system', `The pool ${directory} is in RAM (tmpfs): disks and saved guests are gone when the host restarts.`, `findmnt --target ${directory}`)];
  if (fileSystem === 'nfs' || fileSystem === 'cifs')
    return [warning('pool-file-system', `The pool ${directory} is on the network (${fileSystem}): guests stop whenever that server does. Prefer a local disk.`, `findmnt --target ${directory}`)];
  return [ok('pool-file-system', `The pool is on ${fileSystem ?? 'an unknown file system'}.`)];
}

function diagnoseRoom({ directory, space }: PoolFacts): readonly Finding[] {
  if (!space) return [];
  const room = `The pool ${directory} has ${gib(space.availableMiB)} free of ${gib(space.totalMiB)}`;
  const look = `du -xh --max-depth=2 ${directory} | sort -h | tail`;
  if (space.availableMiB < faultBelowMiB) return [fault('pool-room', `${room}; below ${gib(faultBelowMiB)} guests stop on full disks.`, look)];
  if (space.availableMiB < warnBelowMiB) return [warning('pool-room', `${room}; ${gib(warnBelowMiB)} is the least for a class.`, look)];
  return [ok('pool-room', `${room}.`)];
}

function diagnoseWay({ directory, path, qemuAccount }: PoolFacts): readonly Finding[] {
  if (!qemuAccount) return [];
  const closed = path.find((step) => !isAllowed(qemuAccount, step, ['traverse']));
  if (!closed) return [ok('pool-way', `${qemuAccount.name} can reach the pool.`)];
  const mode = (closed.mode & 0o777).toString(8).padStart(4, '0');
  return [fault('pool-way', `${qemuAccount.name}, the user libvirt runs QEMU as, cannot pass ${closed.name} (mode ${mode}) on the way to ${directory}.`, `chmod o+x ${closed.name}`)];
}
