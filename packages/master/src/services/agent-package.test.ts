import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { AgentPackages, packageBesideMaster } from './agent-package';

const sha256 = (content: string): string => createHash('sha256').update(content).digest('hex');

let directory: string;
let packages: AgentPackages;
const put = (path: string, content: string): void => {
  mkdirSync(dirname(join(directory, path)), { recursive: true });
  writeFileSync(join(directory, path), content);
};

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'pvcl-package-'));
  put('dist/paravcl-slave.cjs', 'the agent');
  put('install/paravcl-install.sh', 'the script');
  put('paravcl-slave.example.yaml', 'the options');
  put('apparmor/paravcl-guest', 'rules');
  put('systemd/paravcl-slave.service', 'a unit');
  put('systemd/paravcl-mirror.service', 'another unit');
  put('systemd/notes.md', 'nothing for a host');
  put('some-node', 'a Node');
  packages = new AgentPackages(directory, join(directory, 'some-node'));
});
afterEach(() => rmSync(directory, { recursive: true }));

test('a host gets agent, Node, units, rules and the script, each by its hash, and the release is named by the manifest', async () => {
  const { id, files, manifest } = await packages.read();
  expect(files.map(({ path, mode, sizeBytes }) => [path, mode.toString(8), sizeBytes])).toEqual([
    ['apparmor/paravcl-guest', '644', 5],
    ['node/bin/node', '755', 6],
    ['paravcl-install.sh', '644', 10],
    ['paravcl-slave.cjs', '644', 9],
    ['paravcl-slave.example.yaml', '644', 11],
    ['systemd/paravcl-mirror.service', '644', 12],
    ['systemd/paravcl-slave.service', '644', 6],
  ]);
  expect(manifest.split('\n')[3]).toBe(`${sha256('the agent')}  paravcl-slave.cjs`);
  expect(manifest.endsWith('paravcl-slave.service\n')).toBe(true);
  expect(id).toBe(sha256(manifest).slice(0, 16));
  expect(files.find(({ path }) => path === 'node/bin/node')?.source).toBe(join(directory, 'some-node'));
});

test('a file that was built anew makes another release, and only it is read again', async () => {
  const before = await packages.read();
  expect(await packages.read()).toEqual(before);
  put('dist/paravcl-slave.cjs', 'the next agent');
  const after = await packages.read();
  expect(after.id).not.toBe(before.id);
  expect(after.files.find(({ path }) => path === 'paravcl-slave.cjs')?.sha256).toBe(sha256('the next agent'));
  expect(after.files.filter(({ path }) => path !== 'paravcl-slave.cjs')).toEqual(before.files.filter(({ path }) => path !== 'paravcl-slave.cjs'));
});

test('before anything was built it says so with the way out, and goes on once it was', async () => {
  rmSync(join(directory, 'dist'), { recursive: true });
  await expect(packages.read()).rejects.toMatchObject({ code: 'not-ready', message: expect.stringMatching(/dist\/paravcl-slave\.cjs is missing\. Run "npm run build".*hostInstalls\.packageDirectory/) as string });
  put('dist/paravcl-slave.cjs', 'the agent');
  await expect(packages.read()).resolves.toMatchObject({ files: { length: 7 } });
});

test('by default it is the slave’s package beside the master', () => {
  expect(packageBesideMaster).toBe(join(__dirname, '../../../slave'));
});
