import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bootSector } from './boot-sector';
import { isAllowed } from './file-access';
import { collectKvm, judgeKvm, openKvmToQemu, probeKvm, tryGuest, type KvmFacts } from './kvm-probe';
import type { RunTool, ToolResult } from './run-tool';

const qemuAccount = { name: 'libvirt-qemu', uid: 64055, gids: [107, 64055] };
const open: KvmFacts = {
  device: { uid: 0, gid: 107, mode: 0o20660 },
  openToUs: true,
  qemuAccount,
  trial: { ran: true, how: '' },
};

const ended = (result: Partial<ToolResult>): RunTool => () => Promise.resolve({ exitStatus: null, stdout: '', stderr: '', missing: false, timedOut: false, ...result });

describe('the boot sector', () => {
  it('is one signed sector', () => {
    expect(bootSector()).toHaveLength(512);
    expect(bootSector().subarray(510)).toEqual(Buffer.from([0x55, 0xaa]));
  });

  it('runs to its end under TCG, so that the probe can succeed at all', async () => {
    expect(await tryGuest('tcg', { deadlineMs: 60_000 })).toEqual({ ran: true, how: 'the boot sector computed its sum in 64-bit mode' });
  }, 70_000);

  it('is ended by the deadline when it does not finish', async () => {
    const trial = await tryGuest('tcg', { deadlineMs: 1 });
    expect(trial.ran).toBe(false);
    expect(trial.how).toContain('had not finished after 0.001 s');
  });
});

describe('how a trial ended', () => {
  it.each([
    [{ exitStatus: 85 }, true, 'computed its sum'],
    [{ exitStatus: 83 }, false, 'computed a wrong sum'],
    [{ exitStatus: 0 }, false, 'crashed and reset the guest'],
    [{ missing: true }, false, 'qemu-system-x86_64 is not installed'],
    [{ exitStatus: 1, stderr: 'qemu-system-x86_64: failed to initialize kvm: Permission denied\n' }, false, 'QEMU says: qemu-system-x86_64: failed to initialize kvm: Permission denied'],
  ])('%j', async (result, ran, how) => {
    const trial = await tryGuest('kvm', { run: ended(result) });
    expect(trial.ran).toBe(ran);
    expect(trial.how).toContain(how);
  });
});

describe('judging KVM', () => {
  it('is usable when a guest ran and QEMU\'s user may open the device', () => {
    expect(judgeKvm(open)).toEqual({ usable: true, why: 'KVM ran a guest', mend: null });
  });

  it('names a missing device', () => {
    expect(judgeKvm({ ...open, device: null }).why).toContain('/dev/kvm is not there');
  });

  it('names a device this user may not open', () => {
    expect(judgeKvm({ ...open, openToUs: false, trial: null }).why).toContain('this user may not open it');
  });

  it('names a guest that did not run, with the reason of the trial', () => {
    expect(judgeKvm({ ...open, trial: { ran: false, how: 'QEMU ended with exit status 1' } }).why).toBe('/dev/kvm is there but a guest did not run: QEMU ended with exit status 1');
  });

  it('names QEMU\'s user when the device is closed to it, with the command that opens it', () => {
    const verdict = judgeKvm({ ...open, device: { uid: 0, gid: 0, mode: 0o20600 } });
    expect(verdict.usable).toBe(false);
    expect(verdict.why).toContain('libvirt-qemu');
    expect(verdict.mend).toBe(openKvmToQemu);
  });
});

describe('the probe on this machine', () => {
  it('says that the device is missing where it is', async () => {
    expect((await probeKvm({ device: '/dev/no-such-kvm' })).why).toContain('is not there');
  });

  /** The same sector started by hand and seen through `timeout`, not through the code under test. */
  function kvmRunsGuestsByHand(): boolean {
    const directory = mkdtempSync(join(tmpdir(), 'paravcl-by-hand-'));
    try {
      const image = join(directory, 'b.img');
      writeFileSync(image, bootSector());
      const args = `--signal=KILL 5 qemu-system-x86_64 -nodefaults -display none -no-reboot -machine q35 -accel kvm -cpu host -m 32 -drive file=${image},format=raw,if=floppy,readonly=on -device isa-debug-exit,iobase=0xf4,iosize=4`;
      return spawnSync('timeout', args.split(' ')).status === 85;
    } finally {
      rmSync(directory, { recursive: true });
    }
  }

  it('answers what really happens here', async () => {
    const facts = await collectKvm();
    const verdict = judgeKvm(facts);
    const device = statSync('/dev/kvm', { throwIfNoEntry: false });
    const account = facts.qemuAccount;
    if (!device) expect(verdict.why).toContain('is not there');
    else if (!kvmRunsGuestsByHand()) expect(verdict).toMatchObject({ usable: false, why: expect.stringMatching(/did not run|may not open/) as string });
    else expect(verdict.usable).toBe(account === null || isAllowed(account, device, ['read', 'write']));
  }, 30_000);
});
