import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { agentScript } from '../../src/lab/lab-layout';

jest.setTimeout(60_000);

let stateDir: string;
beforeEach(() => (stateDir = mkdtempSync(join(tmpdir(), 'pvcl-doctor-'))));
afterEach(() => rmSync(stateDir, { recursive: true }));

test('doctor tells when the agent last heard of the master, from what the agent wrote', () => {
  mkdirSync(join(stateDir, 'pool'));
  // Port 9 (discard): nobody listens there.
  writeFileSync(join(stateDir, 'enrolment.json'), JSON.stringify({ masterUrl: 'https://127.0.0.1:9', slaveId: randomUUID(), siteId: randomUUID(), name: 'x', trust: 'pinned' }));
  writeFileSync(join(stateDir, 'ca.pem'), rootCertificates[0] ?? '');
  writeFileSync(join(stateDir, 'last-contact'), `${new Date(Date.now() - 42 * 60_000 - 5000).toISOString()}\n`);
  const { stdout } = spawnSync(process.execPath, [agentScript, 'doctor', '--json', '--state-dir', stateDir], { encoding: 'utf8' });
  const { findings } = JSON.parse(stdout) as { findings: readonly { check: string; state: string; sentence: string }[] };
  expect(findings.find(({ check }) => check === 'contact')).toMatchObject({ state: 'warning', sentence: expect.stringContaining('42 minutes ago') as string });
});
