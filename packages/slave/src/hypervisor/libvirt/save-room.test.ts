import { statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { MiB } from '@paravcl/shared/domain/limits';
import { checkSaveRoom } from './save-room';

test('RAM that would not fit where libvirt saves it is refused with the directory, the need and what is free', async () => {
  const { bavail, bsize } = await statfs(tmpdir());
  const tooMuchMiB = Math.ceil((bavail * bsize) / MiB) * 2 + 1000;
  await expect(checkSaveRoom(tmpdir(), 'i-ubuntu-9af', tooMuchMiB)).rejects.toMatchObject({
    code: 'no-room',
    message: expect.stringMatching(new RegExp(`"i-ubuntu-9af" needs up to ${tooMuchMiB + 16} MiB in ${tmpdir()}, where \\d+ MiB are free`)) as string,
  });
});

test('RAM that fits is saved, and a directory that cannot be asked is left to libvirt', async () => {
  await expect(checkSaveRoom(tmpdir(), 'i-ubuntu-9af', 1)).resolves.toBeUndefined();
  await expect(checkSaveRoom('/nowhere/at/all', 'i-ubuntu-9af', 1e9)).resolves.toBeUndefined();
});
