import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { caFileOf } from './ca-file';

const access = { origin: 'https://lab:8443', caPem: 'a certificate' };

describe('the file with a master’s CA', () => {
  let home: string;
  const world = (env: Record<string, string> = {}) => ({ env: { XDG_CONFIG_HOME: join(home, 'config'), ...env }, home });
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'pva-'));
  });
  afterEach(() => rm(home, { recursive: true }));

  it('is the one that PARAVCL_CA names; then nothing is written', async () => {
    expect(await caFileOf(world({ PARAVCL_CA: 'there/ca.pem' }), access)).toEqual({ path: resolve('there/ca.pem'), fault: null });
    expect(await readdir(home)).toEqual([]);
  });

  it('is written into our directory though nobody ever logged in, and lets nobody else in there', async () => {
    const path = join(home, 'config', 'paravcl', 'ca-lab-8443.pem');
    expect(await caFileOf(world(), access)).toEqual({ path, fault: null });
    expect(await readFile(path, 'utf8')).toBe('a certificate');
    expect((await stat(join(path, '..'))).mode & 0o777).toBe(0o700);
    await caFileOf(world(), { ...access, caPem: 'the next one' });
    expect(await readFile(path, 'utf8')).toBe('the next one');
    expect(await readdir(join(path, '..'))).toEqual(['ca-lab-8443.pem']);
  });

  it('that cannot be written is a fault that is told, and ends nothing', async () => {
    const directory = join(home, 'config', 'paravcl');
    await mkdir(directory, { recursive: true });
    await chmod(directory, 0o777);
    expect(await caFileOf(world(), access)).toEqual({ path: join(directory, 'ca-lab-8443.pem'), fault: expect.stringMatching(/could not be written \(.* can be changed by others.*--cacert/) as string });
  });

  it('is none where the certificate is publicly trusted', async () => {
    expect(await caFileOf(world(), { ...access, caPem: null })).toEqual({ path: null, fault: null });
  });
});
