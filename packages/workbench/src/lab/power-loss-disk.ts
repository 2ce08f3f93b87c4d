import { existsSync } from 'node:fs';
import { chmod, open, rename } from 'node:fs/promises';
import { runProgram } from '../process/run-program';

/**
 * The kernel's way of ending a file system as a loss of power does: FS_IOC_SHUTDOWN of linux/fs.h with
 * EXT4_GOING_FLAGS_NOLOGFLUSH. From then on nothing of it reaches the disk, not even the journal.
 */
const shutdownScript = 'open(my $root, "<", $ARGV[0]) or die "$ARGV[0]: $!\\n"; my $flags = pack("L", 2); ioctl($root, 0x8004587d, $flags) or die "shutdown: $!\\n";';

/**
 * A disk of a lab host, ext4 in a file, that keeps after a loss of power what was synced and what the kernel happened to
 * have written by then, as a real one does; the rest is gone.
 */
export class PowerLossDisk {
  private mounted = false;

  constructor(
    private readonly file: string,
    readonly mountPoint: string,
    private readonly sizeMiB: number,
  ) {}

  /** Makes it when it is not there, and mounts it: what the journal of a lost one promised is made true. */
  async mount(): Promise<void> {
    if (this.mounted) return;
    const isNew = !existsSync(this.file);
    if (isNew) {
      const file = await open(this.file, 'wx', 0o600);
      await file.truncate(this.sizeMiB * 1024 * 1024);
      await file.close();
      await runProgram('mkfs.ext4', ['-q', '-m', '0', '--', this.file]);
    }
    await runProgram('mount', ['-t', 'ext4', '-o', 'loop', '--', this.file, this.mountPoint]);
    if (isNew) await chmod(this.mountPoint, 0o711);
    this.mounted = true;
  }

  /** To be called when everything that wrote to it has ended; `mount` brings it back. */
  async losePower(): Promise<void> {
    if (!this.mounted) return;
    await runProgram('perl', ['-e', shutdownScript, '--', this.mountPoint]);
    await this.unmount();
    // Other hosts' namespaces have the dead file system mounted too, and the kernel would hand it out again for the same file.
    await runProgram('cp', ['--sparse=always', '--', this.file, `${this.file}.next`]);
    await rename(`${this.file}.next`, this.file);
  }

  async unmount(): Promise<void> {
    if (!this.mounted) return;
    await runProgram('umount', ['--lazy', '--', this.mountPoint]);
    this.mounted = false;
  }
}
