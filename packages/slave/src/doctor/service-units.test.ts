import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

/** Score 3.0; systemd-analyze takes the threshold times ten. */
const threshold = 30;
const packages = join(__dirname, '../../..');

/** Throws when systemd-analyze is missing: a unit nobody looked at is not a hardened unit. */
function analyze(...args: string[]): { status: number | null; output: string } {
  const { error, status, stdout, stderr } = spawnSync('systemd-analyze', args, { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C', SYSTEMD_PAGER: '' } });
  if (error) throw error;
  return { status, output: stdout + stderr };
}

describe.each(['slave/systemd/paravcl-slave.service', 'slave/systemd/paravcl-mirror.service', 'master/systemd/paravcl-master.service'])('%s', (path) => {
  const file = join(packages, path);
  const text = readFileSync(file, 'utf8');
  let directory: string;
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'paravcl-unit-'))));
  afterEach(() => rmSync(directory, { recursive: true }));
  const copy = (content: string): string => {
    const target = join(directory, basename(path));
    writeFileSync(target, content);
    return target;
  };

  it('is exposed by 3.0 at most', () => {
    const { status, output } = analyze('security', '--offline=yes', `--threshold=${String(threshold)}`, '--no-pager', file);
    expect(output).toMatch(/Overall exposure level for paravcl-\w+\.service: [0-2]\.\d/);
    expect(status).toBe(0);
  });

  it('would be found out by the same check without its hardening', () => {
    const bare = copy(text.replace(/^(Protect|Private|Restrict|SystemCall|Capability|NoNew|Device|Lock)\w*=.*$/gm, ''));
    expect(analyze('security', '--offline=yes', `--threshold=${String(threshold)}`, '--no-pager', bare).status).not.toBe(0);
  });

  it('is understood by systemd to the last line', () => {
    // Its Node is only there once it is installed.
    const rendered = copy(text.replace(/^ExecStart=\/opt\/paravcl\/(current\/)?node\/bin\/node/m, `ExecStart=${process.execPath}`));
    expect(rendered).toBeTruthy();
    const { status, output } = analyze('verify', '--man=no', '--recursive-errors=no', rendered);
    expect(output.split('\n').filter((line) => line.includes(basename(path)))).toEqual([]);
    expect(status).toBe(0);
  });
});
