import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommandLineFile } from './command-line-file';

const master = { url: 'https://lab.example:8443', caFingerprint: Buffer.from('ab'.repeat(32), 'hex').toString('base64url') };

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'pvcl-cli-'));
  path = join(directory, 'paravcl.cjs');
});
afterEach(() => rmSync(directory, { recursive: true }));

/** Runs the line to paste with a curl that gives this out. */
function paste(line: string, fetched: string): number | null {
  const [tools, home] = [join(directory, 'tools'), join(directory, 'home')];
  for (const each of [tools, home]) mkdirSync(each, { recursive: true });
  writeFileSync(join(tools, 'fetched'), fetched);
  writeFileSync(join(tools, 'curl'), `#!/bin/sh\nexec cp ${join(tools, 'fetched')} paravcl\n`, { mode: 0o755 });
  return spawnSync('sh', ['-c', line], { env: { HOME: home, PATH: `${tools}:${process.env['PATH'] ?? ''}` } }).status;
}

test('the line to paste puts the file into ~/.local/bin when it is this one, and nothing when it is another', async () => {
  writeFileSync(path, 'the program\n');
  const { file } = await new CommandLineFile(master, path).way();
  expect(file).toMatchObject({ url: 'https://lab.example:8443/paravcl.cjs', sizeBytes: 12, install: expect.stringContaining('curl -q -kfsS https://lab.example:8443/paravcl.cjs -o paravcl') as string });
  const installed = join(directory, 'home', '.local', 'bin', 'paravcl');
  expect(paste(file?.install ?? '', 'another program\n')).not.toBe(0);
  expect(() => statSync(installed)).toThrow('ENOENT');
  expect(paste(file?.install ?? '', 'the program\n')).toBe(0);
  expect([readFileSync(installed, 'utf8'), statSync(installed).mode & 0o777]).toEqual(['the program\n', 0o755]);
});

test('the login names the site’s own CA as openssl prints it, and none where a public one vouches', async () => {
  const { login } = await new CommandLineFile(master, path).way();
  expect(login).toBe(`paravcl login https://lab.example:8443 --fingerprint ${Array.from({ length: 32 }, () => 'AB').join(':')}`);
  const open = await new CommandLineFile({ ...master, caFingerprint: null }, path).way();
  expect(open.login).toBe('paravcl login https://lab.example:8443');
});

test('one that is built anew is given from then on, and none is told as none', async () => {
  const file = new CommandLineFile(master, path);
  expect([await file.read(), (await file.way()).file]).toEqual([null, null]);
  writeFileSync(path, 'one\n');
  const first = await file.read();
  writeFileSync(path, 'the other\n');
  const second = await file.read();
  expect([first?.content.toString(), second?.content.toString(), first?.sha256 === second?.sha256]).toEqual(['one\n', 'the other\n', false]);
  expect(second?.sha256).toBe(execFileSync('sha256sum', [path], { encoding: 'utf8' }).slice(0, 64));
});
