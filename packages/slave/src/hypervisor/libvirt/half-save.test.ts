import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HalfSaves } from './half-save';

let directory: string;
let saves: HalfSaves;
const save = () => join(directory, 'pv-a.save');
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'saves-'));
  saves = new HalfSaves(directory);
});
afterEach(() => rm(directory, { recursive: true }));

test.each([
  ['empty', ''],
  ['without its last header', 'LibvirtQemudPart and some RAM'],
])('a save that was begun here and is %s is half, and is kept under another name', async (_, bytes) => {
  await saves.begin('pv-a');
  await writeFile(save(), bytes);
  expect(await saves.putAside('pv-a')).toBe(true);
  expect(await readFile(join(directory, 'pv-a.save-half'), 'utf8')).toBe(bytes);
  // Again, when it could not be removed under its first name.
  expect(await saves.putAside('pv-a')).toBe(true);
  await rm(save());
  await saves.begin('pv-a');
  expect(await readdir(directory)).toEqual(['pv-a.save-begun']);
});

test('a save that is whole is not half, although nobody came to note that', async () => {
  await saves.begin('pv-a');
  await writeFile(save(), 'LibvirtQemudSave and all RAM');
  expect(await saves.putAside('pv-a')).toBe(false);
  expect(await readdir(directory)).toEqual(['pv-a.save', 'pv-a.save-begun']);
});

test('a whole save that was damaged later is somebody’s RAM, not half a save', async () => {
  await saves.begin('pv-a');
  await writeFile(save(), 'LibvirtQemudSave and all RAM');
  await saves.ended('pv-a');
  await writeFile(save(), 'LibvirtQemudPart and all RAM');
  expect(await saves.putAside('pv-a')).toBe(false);
  expect(await readdir(directory)).toEqual(['pv-a.save']);
});

test('nothing remains of an instance that goes, and a directory that is not there is no trouble', async () => {
  await saves.begin('pv-a');
  await writeFile(save(), '');
  await saves.putAside('pv-a');
  await saves.forget('pv-a');
  expect(await readdir(directory)).toEqual(['pv-a.save']);
  const nowhere = new HalfSaves(join(directory, 'nowhere'));
  await nowhere.begin('pv-a');
  await nowhere.ended('pv-a');
  expect(await nowhere.putAside('pv-a')).toBe(false);
});
