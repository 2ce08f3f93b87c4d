import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { parseJson } from '@paravcl/shared/parse-json';
import { z } from 'zod';
import type { KvmVerdict } from './kvm-probe';

const rememberedSchema = z.object({
  circumstances: z.string(),
  verdict: z.object({ usable: z.boolean(), why: z.string(), mend: z.string().nullable() }),
});

/**
 * The verdict of the KVM probe, asked once per boot of the host and kept in `file`.
 *
 * Not only because a failing probe takes its whole deadline: an agent that restarts on a busy host must not
 * take a probe that came too late for a host without KVM, since guests saved under KVM cannot be
 * restored without it. Another boot, another QEMU or other rights on /dev/kvm ask anew.
 */
export async function rememberedKvm(file: string, circumstances: string, probe: () => Promise<KvmVerdict>): Promise<KvmVerdict> {
  const known = await readFile(file, 'utf8')
    .then((text) => rememberedSchema.parse(parseJson(text)))
    .catch(() => null);
  if (known?.circumstances === circumstances) return known.verdict;
  const verdict = await probe();
  // A verdict that cannot be kept is still a verdict; it is asked for again at the next start.
  await writeFile(`${file}.next`, JSON.stringify({ circumstances, verdict }), { mode: 0o600 })
    .then(() => rename(`${file}.next`, file))
    .catch(() => undefined);
  return verdict;
}

/** Everything the probe's answer hangs on, as text to compare. */
export async function kvmCircumstances(paths = { bootId: '/proc/sys/kernel/random/boot_id', device: '/dev/kvm', qemu: '/usr/bin/qemu-system-x86_64' }): Promise<string> {
  const bootId = (await readFile(paths.bootId, 'utf8')).trim();
  const device = await stat(paths.device).catch(() => null);
  const qemu = await stat(paths.qemu).catch(() => null);
  return [bootId, device === null ? 'none' : `${String(device.mode)} ${String(device.uid)} ${String(device.gid)}`, qemu === null ? 'none' : `${String(qemu.size)} ${String(qemu.mtimeMs)}`].join('; ');
}
