import { open, rm } from 'node:fs/promises';
import { runProgram } from '../process/run-program';

const diskSizeMiB = 64;

/**
 * Writes the guest's disk (EMI) to `target`: a sparse raw ext4 image of 64 MiB that holds `contentDirectory`.
 * `mke2fs -d` fills it without mounting, so no root is needed. The same content gives the same bytes.
 */
export async function writeGuestDisk(target: string, contentDirectory: string): Promise<void> {
  await rm(target, { force: true });
  const file = await open(target, 'w');
  await file.truncate(diskSizeMiB * 1024 * 1024);
  await file.close();
  const identity = '70617261-7663-4c64-b656-d6f677565737';
  await runProgram(
    'mke2fs',
    [
      '-q', '-t', 'ext4', '-L', 'paravcl-demo', '-U', identity,
      '-E', `root_owner=0:0,hash_seed=${identity},lazy_itable_init=0,lazy_journal_init=0`,
      '-J', 'size=4', '-m', '0', '-d', contentDirectory, target,
    ],
    { env: { E2FSPROGS_FAKE_TIME: '1700000000' } },
  );
}
