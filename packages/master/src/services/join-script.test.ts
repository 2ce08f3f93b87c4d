import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ParavclError } from '@paravcl/shared/errors';
import type { AgentPackage } from './agent-package';
import { JoinScript } from './join-script';

const source = join(__dirname, '../../../slave/install/paravcl-install.sh');
const manifest = `${'a'.repeat(64)}  node/bin/node\n${'b'.repeat(64)}  paravcl-install.sh\n`;
const file = { mode: 0o644, sha256: 'b'.repeat(64), sizeBytes: 1 };
const content: AgentPackage = { id: '0123456789abcdef', manifest, files: [{ ...file, path: 'node/bin/node', source: '/bin/true', sizeBytes: 3_000_000 }, { ...file, path: 'paravcl-install.sh', source }] };
const packages = { read: () => Promise.resolve(content) };
const caPem = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
const master = { url: 'https://master.example:8443', siteId: '01890a5d-ac96-774b-bcce-b302099a8057', caPem, caFingerprint: 'F'.repeat(43) };

/** What the head makes of it, in the words of the shell that will read it. */
function headOf(text: string, name: string): string {
  const head = text.slice(0, text.indexOf('\nset -eu'));
  return spawnSync('sh', ['-c', `${head}\nprintf %s "$${name}"`], { encoding: 'utf8' }).stdout;
}

test('it is the script of every installation under a head with the master, its authority and the hashes of what is fetched', async () => {
  const text = await new JoinScript(packages, master).text();
  expect(text.startsWith('#!/bin/sh\n')).toBe(true);
  expect(text.endsWith(readFileSync(source, 'utf8').replace('#!/bin/sh\n', ''))).toBe(true);
  expect(headOf(text, 'join_master')).toBe(master.url);
  expect(headOf(text, 'join_site')).toBe(master.siteId);
  expect(headOf(text, 'join_ca')).toBe(caPem.trim());
  expect(headOf(text, 'join_ca_fingerprint')).toBe(master.caFingerprint);
  expect(headOf(text, 'join_release')).toBe(content.id);
  expect(headOf(text, 'join_mib')).toBe('3');
  expect(`${headOf(text, 'join_manifest')}\n`).toBe(manifest);
});

test('nothing of what is configured is run by the shell that reads it', async () => {
  const url = "https://m.example/'$(echo run >&2)`echo run`";
  const text = await new JoinScript(packages, { ...master, url }).text();
  expect(headOf(text, 'join_master')).toBe(url);
});

test('the command to paste believes what it fetched by its hash alone, and leaves out nothing that is checked where the certificate is a public one', async () => {
  const script = new JoinScript(packages, master);
  const sha256 = createHash('sha256').update(await script.text()).digest('hex');
  expect(await script.oneLine()).toBe(`(cd "$(mktemp -d)" && curl -q -kfsS https://master.example:8443/join.sh -o join.sh && echo '${sha256}  join.sh' | sha256sum -c --quiet && sh join.sh)`);
  expect(await new JoinScript(packages, { ...master, caPem: null, caFingerprint: null }).oneLine()).toMatch(/ && curl -q -fsS /);
});

test('where there is nothing to put on hosts there is no command', async () => {
  const nothing = { read: () => Promise.reject(new ParavclError('not-ready', 'not built')) };
  expect(await new JoinScript(nothing, master).oneLine()).toBeNull();
  await expect(new JoinScript(nothing, master).text()).rejects.toThrow('not built');
});

test('a script that came only in part does nothing', async () => {
  const text = await new JoinScript(packages, master).text();
  const directory = mkdtempSync(join(tmpdir(), 'pvcl-join-'));
  try {
    const whole = join(directory, 'whole');
    writeFileSync(whole, text);
    expect(spawnSync('sh', [whole, 'facts'], { encoding: 'utf8' }).stdout).toContain('os_id=');
    // At the end of each line of its last part, and in the middle of some.
    for (const end of [text.length - 1 - '"main "$@"'.length, ...[...text.matchAll(/\n/g)].map(({ index }) => index).slice(-60, -1), text.length - 300]) {
      const part = join(directory, 'part');
      writeFileSync(part, text.slice(0, end));
      const { stdout } = spawnSync('sh', [part, 'facts'], { encoding: 'utf8' });
      expect(stdout).toBe('');
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});
