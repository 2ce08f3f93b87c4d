import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openImportFile } from './import-file';

let root: string;
let imports: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'paravcl-import-')));
  imports = join(root, 'imports');
  mkdirSync(join(imports, 'deep'), { recursive: true });
  mkdirSync(join(root, 'imports-of-others'));
  for (const name of ['imports/disk.raw', 'imports/deep/disk.raw', 'secret', 'imports-of-others/disk.raw']) writeFileSync(join(root, name), name);
  writeFileSync(join(imports, 'empty'), '');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const refusal = { code: 'invalid-input', detail: { field: 'path' } };

test('a file of the directory, or of one below, is opened and measured', async () => {
  for (const [path, name] of [[join(imports, 'disk.raw'), 'imports/disk.raw'], [`${imports}/./deep/../deep/disk.raw`, 'imports/deep/disk.raw']] as const) {
    const { handle, ...found } = await openImportFile(path, [join(root, 'not-there'), imports]);
    expect(found).toEqual({ path: join(root, name), sizeBytes: name.length });
    expect(await handle.readFile('utf8')).toBe(name);
    await handle.close();
  }
});

test('without a directory nothing is imported, and the setting is named', async () => {
  await expect(openImportFile(join(imports, 'disk.raw'), [])).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('images.importDirectories') as string });
});

test('what lies elsewhere is refused, also by a link, a dot-dot, or a directory whose name begins the same', async () => {
  symlinkSync(join(root, 'secret'), join(imports, 'link'));
  symlinkSync(root, join(imports, 'up'));
  for (const path of [join(root, 'secret'), `${imports}/../secret`, join(imports, 'link'), join(imports, 'up', 'secret'), join(root, 'imports-of-others', 'disk.raw'), imports, '/etc/passwd', join(imports, 'nothing')]) {
    await expect(openImportFile(path, [imports])).rejects.toMatchObject(refusal);
  }
});

test('a link within the directory is followed', async () => {
  symlinkSync(join(imports, 'deep'), join(imports, 'way'));
  const { handle, path } = await openImportFile(join(imports, 'way', 'disk.raw'), [imports]);
  expect(path).toBe(join(imports, 'deep', 'disk.raw'));
  await handle.close();
});

test('a directory, a pipe, a device and an empty file are none, and a pipe does not hold us', async () => {
  execFileSync('mkfifo', [join(imports, 'pipe')]);
  for (const path of [join(imports, 'deep'), join(imports, 'pipe'), '/dev/null', join(imports, 'empty')]) await expect(openImportFile(path, [imports, '/dev'])).rejects.toMatchObject(refusal);
});

test('a file that was opened stays the one that is read, whatever is put in its place', async () => {
  const { handle } = await openImportFile(join(imports, 'disk.raw'), [imports]);
  renameSync(join(root, 'secret'), join(imports, 'disk.raw'));
  expect(await handle.readFile('utf8')).toBe('imports/disk.raw');
  await handle.close();
});
