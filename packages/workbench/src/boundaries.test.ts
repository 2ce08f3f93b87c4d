import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

const checker = resolve(__dirname, '..', 'check-boundaries.mjs');
let root = '';

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'paravcl-boundaries-'));
});

afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

/** Writes a small project and returns what the checker says about it, a line each. */
async function check(tree: Readonly<Record<string, string>>, anyNumber = true): Promise<{ readonly code: number; readonly lines: readonly string[] }> {
  for (const [path, text] of Object.entries(tree)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  const args = [checker, '--root', root, ...(anyNumber ? ['--any-number'] : [])];
  return new Promise((resolveRun) => {
    execFile(process.execPath, args, (error, stdout) => {
      resolveRun({ code: error === null ? 0 : Number(error.code), lines: stdout.split('\n').filter((line) => line !== '') });
    });
  });
}

const harmless: Readonly<Record<string, string>> = {
  'packages/shared/src/ids.ts': "import { z } from 'zod';\nexport const id = z.string();\n",
  'packages/master/src/core/rank.ts': "import { id } from '@paravcl/shared/ids';\nexport const rank = (now: number) => new Date(now).getTime() + String(id).length;\n",
  'packages/master/src/services/launch.ts': "import { rank } from '../core/rank';\nimport type { Slaves } from '../repositories/slaves';\nexport const launch = (slaves: Slaves) => rank(slaves.count);\n",
  'packages/master/src/repositories/slaves.ts': "import type { Knex } from 'knex';\nexport interface Slaves { readonly count: number; readonly knex: Knex }\n",
  'packages/master/src/main.ts': "import { run } from './master';\nrun();\n",
  'packages/master/src/master.ts': "import { launch } from './services/launch';\nexport const run = launch;\n",
  'packages/master/test/system/launch.test.ts': "import '@paravcl/slave/agent/runner';\n",
  'packages/slave/src/agent/runner.ts': 'export const runner = 1;\n',
  'packages/portal/src/main.tsx': "import type { Id } from '@paravcl/shared/ids';\nimport { feedPath } from '@paravcl/shared/api/sockets';\nimport './main.css';\nimport { Page } from './pages/page';\nexport const at: [Id, string] = ['1', feedPath]; export const page = <Page />;\n",
  'packages/workbench/src/forward.ts': "import { plan } from '@paravcl/master/core/plan';\nexport const forward = plan;\n",
  'packages/portal/src/pages/page.tsx': 'export const Page = () => <p />;\n',
  'packages/portal/src/pages/page.test.ts': "import { id } from '@paravcl/shared/ids';\nimport { Page } from './page';\ntest(id.name, () => Page());\n",
};

test('a project that keeps the rules has no violation', async () => {
  expect(await check(harmless)).toEqual({ code: 0, lines: [] });
});

const breaches: readonly (readonly [rule: string, file: string, text: string, sentence: string])[] = [
  ['shared takes an npm package', 'packages/shared/src/a1.ts', "import knex from 'express';\n", ':1 imports express; shared imports only zod, uuid and itself.'],
  ['shared takes something from Node', 'packages/shared/src/a2.ts', "\nimport { join } from 'node:path';\n", ':2 imports node:path;'],
  ['shared imports another package', 'packages/shared/src/a3.ts', "import '@paravcl/master/main';\n", ':1 imports @paravcl/master;'],
  ['the master imports the slave', 'packages/master/src/services/a4.ts', "import type { R } from '@paravcl/slave/agent/runner';\n", ':1 imports @paravcl/slave;'],
  ['the slave imports the master', 'packages/slave/src/a5.ts', "const m = await import('@paravcl/master/main');\n", ':1 imports @paravcl/master;'],
  ['the slave reaches the master by path', 'packages/slave/src/a6.ts', "export { run } from '../../master/src/main';\n", ':1 imports ../../master/src/main, which leaves packages/slave'],
  ['an ordinary test of the master imports the slave', 'packages/master/test/it/a7.test.ts', "import '@paravcl/slave/agent/runner';\n", ':1 imports @paravcl/slave;'],
  ['the portal loads a schema', 'packages/portal/src/b1.tsx', "import { id } from '@paravcl/shared/ids';\n", ':1 imports @paravcl/shared/ids; portal imports types alone (import type), and at run time only @paravcl/shared/api/sockets, @paravcl/shared/client/.'],
  ['the portal takes something from Node', 'packages/portal/src/b2.ts', "import { join } from 'path';\n", ':1 imports path; portal runs in a browser'],
  ['the portal imports the master', 'packages/portal/src/b3.tsx', "import type { M } from '@paravcl/master/main';\n", ':1 imports @paravcl/master;'],
  ['a page of the portal has a vague name', 'packages/portal/src/pages/utils.tsx', 'export const a = <b />;\n', ':1 is called utils:'],
  ['the workbench imports a daemon', 'packages/workbench/src/a8.ts', "import { run } from '@paravcl/master/main';\n", ':1 imports @paravcl/master/main; of @paravcl/master workbench may import only @paravcl/master/core/.'],
  ['core imports a service', 'packages/master/src/core/a9.ts', "import { launch } from '../services/launch';\n", ':1 imports packages/master/src/services/launch.ts; core/ may import no other directory.'],
  ['core imports from Node', 'packages/master/src/core/a10.ts', "import { createHash } from 'node:crypto';\n", ':1 imports node:crypto; pure code'],
  ['core reads the clock', 'packages/master/src/core/a11.ts', 'export const now = () => Date.now();\n', ':1 uses Date.now;'],
  ['core reads the clock through Date', 'packages/master/src/core/a12.ts', 'export const now = () => new Date();\n', ':1 reads the clock'],
  ['core rolls dice', 'packages/master/src/core/a13.ts', 'export const dice = () => Math.random();\n', ':1 uses Math.random;'],
  ['core waits', 'packages/master/src/core/a14.ts', 'export const wait = (f: () => void) => setTimeout(f, 1);\n', ':1 uses setTimeout;'],
  ['core is async', 'packages/master/src/core/a15.ts', 'export async function plan() {\n  await Promise.resolve();\n}\n', ':1 is async;'],
  ['knex leaves the repositories', 'packages/master/src/services/a16.ts', "import type { Knex } from 'knex';\n", ':1 imports knex;'],
  ['a repository calls a service', 'packages/master/src/repositories/a17.ts', "import { launch } from '../services/launch';\n", ':1 imports packages/master/src/services/launch.ts; repositories/ may import core/, db/.'],
  ['an edge asks core by itself', 'packages/master/src/http/a18.ts', "import { rank } from '../core/rank';\n", ':1 imports packages/master/src/core/rank.ts;'],
  ['something imports the composition root', 'packages/master/src/services/a19.ts', "import { run } from '../main';\n", ':1 imports packages/master/src/main.ts; a composition root is imported by nothing.'],
  ['the configuration imports a service', 'packages/master/src/config.ts', "import { launch } from './services/launch';\n", ':1 imports packages/master/src/services/launch.ts; config.ts is imported by all'],
  ['a service imports what puts the daemon together', 'packages/master/src/services/composed.ts', "import { run } from '../master';\n", ':1 imports packages/master/src/master.ts; what puts the daemon together'],
  ['a directory has no rule', 'packages/master/src/magic/a20.ts', "import { rank } from '../core/rank';\n", ':1 lies in magic/'],
  ['an unlisted file starts programs', 'packages/slave/src/a21.ts', "import { execFile } from 'node:child_process';\n", ':1 imports node:child_process;'],
  ['a listed file runs a shell', 'packages/slave/src/disks/disk-tool.ts', "import { exec } from 'node:child_process';\n", ':1 imports exec,'],
  ['a listed file runs a shell through the module', 'packages/slave/src/describe/run-tool.ts', "import * as cp from 'node:child_process';\ncp.execSync('ls');\n", ':2 calls cp.execSync,'],
  ['a listed file asks for a shell', 'packages/slave/src/hypervisor/libvirt/virsh.ts', "import { spawn } from 'node:child_process';\nspawn('ls', [], { shell: true });\n", ':2 asks for a shell'],
  ['a test runs a shell', 'packages/slave/src/a22.test.ts', "import { execSync } from 'node:child_process';\n", ':1 imports execSync,'],
  ['there is an index file', 'packages/slave/src/agent/index.ts', 'export const x = 1;\n', ':1 is an index file'],
  ['a file is called utils', 'packages/slave/src/agent/utils.ts', 'export const x = 1;\n', ':1 is called utils'],
  ['a file is called something-helpers', 'packages/slave/src/agent/disk-helpers.ts', 'export const x = 1;\n', ':1 is called disk-helpers'],
  ['a file imports itself', 'packages/slave/src/a23.ts', "import './a23';\n", ':1 closes an import cycle: packages/slave/src/a23.ts → packages/slave/src/a23.ts.'],
];

describe('a project with every breach at once', () => {
  let told: Awaited<ReturnType<typeof check>>;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'paravcl-boundaries-'));
    told = await check({ ...harmless, ...Object.fromEntries(breaches.map(([, file, text]) => [file, text])) });
    await rm(root, { recursive: true, force: true });
  });

  test('fails', () => {
    expect(told.code).toBe(1);
    expect(told.lines.length).toBeGreaterThanOrEqual(breaches.length);
  });

  test.each(breaches)('is told that %s', (_rule, file, _text, sentence) => {
    expect(told.lines.join('\n')).toContain(`${file}${sentence}`);
  });

  test('is told nothing about the files that keep the rules', () => {
    expect(told.lines.filter((line) => Object.keys(harmless).some((file) => line.startsWith(`${file}:`)))).toEqual([]);
  });
});

test('a cycle through several files is told once, with its way round', async () => {
  const { lines } = await check({
    'packages/slave/src/a.ts': "import './b';\n",
    'packages/slave/src/b.ts': "import './c';\n",
    'packages/slave/src/c.ts': "import './a';\n",
  });
  expect(lines).toEqual([
    'packages/slave/src/c.ts:1 closes an import cycle: packages/slave/src/a.ts → packages/slave/src/b.ts → packages/slave/src/c.ts → packages/slave/src/a.ts.',
  ]);
});

test('a check that sees too few files fails instead of finding nothing wrong', async () => {
  const { code, lines } = await check(harmless, false);
  expect(code).toBe(1);
  expect(lines.join('\n')).toContain('the check did not see what it is there to see');
});
