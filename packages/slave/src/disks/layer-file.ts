import { chmod, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { runDiskTool } from './disk-tool';
import { DiskStoreError } from './disk-store';
import { names } from './pool-layout';

/** As of a guest's overlay: libvirt gives it to QEMU's user when the guest writes it. */
const layerMode = 0o600;

/** Makes an empty layer over `below`, complete on the disk but for its name in the directory. What was left there under its name goes. */
export async function makeLayer(path: string, below: string, sizeBytes: number): Promise<void> {
  // What is below is named and not opened (-u): a guest has it open.
  await runDiskTool('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', below, '-u', '-o', 'extended_l2=on,cluster_size=128k', '--', path, String(sizeBytes)]);
  await chmod(path, layerMode);
  const file = await open(path, 'r');
  await file.datasync().finally(() => file.close());
}

const qcow2Magic = 0x514649fb;

/** Bytes of the disk that a guest sees, by the header of one of our own layers. Throws DiskStoreError `failed`. */
export async function diskBytesOf(layer: string): Promise<number> {
  const file = await open(layer, 'r').catch((error: unknown) => {
    throw new DiskStoreError('failed', `${layer} cannot be opened: ${(error as Error).message}`, { cause: error });
  });
  const header = Buffer.alloc(32);
  await file.read(header, 0, header.length, 0).finally(() => file.close());
  if (header.readUInt32BE(0) !== qcow2Magic) throw new DiskStoreError('failed', `${layer} is no disk: its first bytes are not those of a qcow2 file.`);
  return Number(header.readBigUInt64BE(24));
}

/** Whether somebody has it open to write in it: QEMU locks what its guest writes. Of use where libvirt died between a switch and its note of it. */
export async function isBeingWritten(layer: string): Promise<boolean> {
  try {
    await runDiskTool('qemu-img', ['info', '-f', 'qcow2', '--', layer]);
    return false;
  } catch (error) {
    if (error instanceof DiskStoreError && error.message.includes('another process using the image')) return true;
    throw error;
  }
}

/** Bytes that files take on the disk; one that is gone takes none. */
export async function storedBytes(paths: readonly string[]): Promise<number> {
  const found = await Promise.all(paths.map((path) => stat(path).catch(() => null)));
  return found.reduce((sum, each) => sum + (each?.blocks ?? 0) * 512, 0);
}

/** Of an instance's directory, what snapshots made there and nobody names. */
export async function removeUnnamed(directory: string, named: ReadonlySet<string>): Promise<void> {
  const made = (await readdir(directory)).filter((name) => /^(layer|delta|ram)-/.test(name) || name === `${names.layers}.new`);
  await Promise.all(made.filter((name) => !named.has(name)).map((name) => rm(join(directory, name), { force: true })));
}
