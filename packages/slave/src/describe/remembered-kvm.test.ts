import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kvmCircumstances, rememberedKvm } from './remembered-kvm';

const usable = { usable: true, why: 'KVM ran a guest', mend: null };
const late = { usable: false, why: 'too late', mend: null };
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'remembered-kvm-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

test('the host is probed once per boot, so a busy restart cannot turn KVM off under saved guests', async () => {
  const file = join(directory, 'kvm.json');
  const probe = jest.fn().mockResolvedValueOnce(usable).mockResolvedValue(late);
  expect(await rememberedKvm(file, 'boot 1', probe)).toEqual(usable);
  expect(await rememberedKvm(file, 'boot 1', probe)).toEqual(usable);
  expect(probe).toHaveBeenCalledTimes(1);
});

test('another boot, QEMU or right on the device asks anew', async () => {
  const file = join(directory, 'kvm.json');
  const probe = jest.fn().mockResolvedValueOnce(late).mockResolvedValue(usable);
  await rememberedKvm(file, 'boot 1', probe);
  expect(await rememberedKvm(file, 'boot 2', probe)).toEqual(usable);

  const paths = { bootId: join(directory, 'boot'), device: join(directory, 'kvm'), qemu: join(directory, 'qemu') };
  await writeFile(paths.bootId, 'one');
  const closed = await kvmCircumstances(paths);
  await writeFile(paths.device, '', { mode: 0o600 });
  const there = await kvmCircumstances(paths);
  await writeFile(paths.qemu, 'new version');
  expect(new Set([closed, there, await kvmCircumstances(paths)]).size).toBe(3);
});

test('a damaged record is no record', async () => {
  const file = join(directory, 'kvm.json');
  await writeFile(file, '{"circumstances":"boot 1"');
  expect(await rememberedKvm(file, 'boot 1', () => Promise.resolve(usable))).toEqual(usable);
});
