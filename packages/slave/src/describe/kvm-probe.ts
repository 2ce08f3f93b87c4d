import { access, constants, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bootSector, debugExitPort, miscomputedStatus, ranStatus } from './boot-sector';
import { isAllowed, type Account, type Ownership } from './file-access';
import { readQemuAccount } from './qemu-account';
import { lastComplaint, runTool, type RunTool } from './run-tool';

/** Whether KVM runs guests for libvirt on this host, why, and the command that mends it if one does. */
export interface KvmVerdict {
  readonly usable: boolean;
  readonly why: string;
  readonly mend: string | null;
}

/** What was looked at and tried, before judging. */
export interface KvmFacts {
  /** Null when the device is not there. */
  readonly device: Ownership | null;
  /** Whether this process may open the device for reading and writing. */
  readonly openToUs: boolean;
  /** Whom libvirt runs QEMU as; null when no such user exists. */
  readonly qemuAccount: Account | null;
  /** How the boot sector ended; null when it was not tried. */
  readonly trial: GuestTrial | null;
}

export interface GuestTrial {
  readonly ran: boolean;
  /** In a clause that follows "a guest did not run: ". */
  readonly how: string;
}

export const openKvmToQemu = 'chgrp kvm /dev/kvm && chmod 660 /dev/kvm';
const trialDeadlineMs = 5000;

/**
 * Runs the boot sector under QEMU with the given accelerator, without libvirt, network or display.
 * @param deadlineMs 5 s by default: 40 times what it takes on a processor that runs guests.
 */
export async function tryGuest(
  accelerator: 'kvm' | 'tcg',
  { run = runTool, deadlineMs = trialDeadlineMs, qemu = 'qemu-system-x86_64' }: { readonly run?: RunTool; readonly deadlineMs?: number; readonly qemu?: string } = {},
): Promise<GuestTrial> {
  const directory = await mkdtemp(join(tmpdir(), 'paravcl-kvm-'));
  try {
    const image = join(directory, 'sector.img');
    await writeFile(image, bootSector());
    // A guest that hangs has to end with us, whatever ends us: our deadline ends with us too.
    const result = await run(
      'setpriv',
      [
        ...['--pdeathsig', 'KILL', '--', qemu],
        ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot', '-net', 'none'],
        // No fallback: `accel=kvm` alone fails where KVM does.
        ...['-machine', `pc,accel=${accelerator}`, '-cpu', accelerator === 'kvm' ? 'host' : 'max', '-m', '16'],
        ...['-drive', `file=${image.replaceAll(',', ',,')},format=raw,if=floppy,readonly=on`],
        ...['-device', `isa-debug-exit,iobase=${debugExitPort},iosize=4`],
      ],
      deadlineMs,
    );
    const said = lastComplaint(result);
    const quoted = said === '' ? '' : `; QEMU says: ${said}`;
    if (result.exitStatus === ranStatus) return { ran: true, how: 'the boot sector computed its sum in 64-bit mode' };
    // 127: setpriv did not find it.
    if (result.missing || result.exitStatus === 127) return { ran: false, how: `${qemu} is not installed` };
    if (result.timedOut) return { ran: false, how: `the boot sector had not finished after ${deadlineMs / 1000} s, so the processor does not run guests by itself${quoted}` };
    if (result.exitStatus === miscomputedStatus) return { ran: false, how: 'the boot sector computed a wrong sum' };
    if (result.exitStatus === 0) return { ran: false, how: `the boot sector crashed and reset the guest${quoted}` };
    return { ran: false, how: `QEMU ended with exit status ${result.exitStatus ?? 'none'}${quoted}` };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Judges the facts; first cause first, so that mending goes in the order of the answers. */
export function judgeKvm({ device, openToUs, qemuAccount, trial }: KvmFacts): KvmVerdict {
  if (!device)
    return {
      usable: false,
      why: '/dev/kvm is not there: the kvm module is not loaded, or virtualisation (VT-x, AMD-V) is switched off in the firmware set-up',
      mend: 'modprobe -a kvm_intel kvm_amd',
    };
  if (!openToUs) return { usable: false, why: '/dev/kvm is there but this user may not open it', mend: 'usermod -aG kvm "$(id -un)"   # as root, then log in again' };
  if (trial && !trial.ran) return { usable: false, why: `/dev/kvm is there but a guest did not run: ${trial.how}`, mend: null };
  if (qemuAccount && !isAllowed(qemuAccount, device, ['read', 'write']))
    return {
      usable: false,
      why: `/dev/kvm is there but not open to ${qemuAccount.name}, the user libvirt runs QEMU as; libvirt then asks QEMU again about twenty times at every start, which takes over a minute`,
      mend: openKvmToQemu,
    };
  return { usable: true, why: 'KVM ran a guest', mend: null };
}

export interface KvmProbeDeps {
  /** `/dev/kvm` except in tests. */
  readonly device?: string;
  readonly etc?: string;
  readonly run?: RunTool;
  readonly deadlineMs?: number;
}

/** Looks at the device and, where it may be opened, runs a guest on it. Takes up to 5 s; never throws for what the host lacks. */
export async function collectKvm({ device = '/dev/kvm', etc = '/etc', run = runTool, deadlineMs = trialDeadlineMs }: KvmProbeDeps = {}): Promise<KvmFacts> {
  const qemu = await readQemuAccount(etc);
  const found = await stat(device).catch(() => null);
  if (!found) return { device: null, openToUs: false, qemuAccount: qemu, trial: null };
  const openToUs = await access(device, constants.R_OK | constants.W_OK).then(
    () => true,
    () => false,
  );
  const trial = openToUs ? await tryGuest('kvm', { run, deadlineMs }) : null;
  return { device: { uid: found.uid, gid: found.gid, mode: found.mode }, openToUs, qemuAccount: qemu, trial };
}

/** Whether to define domains as `kvm` or to fall back to `qemu` (TCG), by running something. */
export async function probeKvm(deps: KvmProbeDeps = {}): Promise<KvmVerdict> {
  return judgeKvm(await collectKvm(deps));
}
