import { chmod, mkdtemp, readdir, rm, stat, utimes, writeFile, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { configPath, changeConfig, readConfig, type Config } from './config-file';

const config: Config = { current: 'lab', masters: { lab: { origin: 'https://lab:8443', caPem: null, user: 'alice', token: 'secret', expiresAt: null } } };

describe('the configuration', () => {
  let home: string;
  let path: string;
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'pvh-'));
    path = configPath({ env: { XDG_CONFIG_HOME: home }, home: '/nowhere' });
  });
  afterEach(() => rm(home, { recursive: true }));

  it('is found below XDG_CONFIG_HOME, and below ~/.config where that is not set or relative', () => {
    expect(path).toBe(join(home, 'paravcl', 'config.json'));
    expect(configPath({ env: {}, home: '/home/alice' })).toBe('/home/alice/.config/paravcl/config.json');
    expect(configPath({ env: { XDG_CONFIG_HOME: 'here' }, home: '/home/alice' })).toBe('/home/alice/.config/paravcl/config.json');
  });

  it('has nothing in it where there is none', async () => {
    expect(await readConfig(path)).toEqual({ current: null, masters: {} });
  });

  it('is written for its owner alone, in a directory of its owner alone, and leaves nothing beside it', async () => {
    await changeConfig(path, () => config);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(dirname(path))).mode & 0o777).toBe(0o700);
    expect(await readdir(dirname(path))).toEqual(['config.json']);
    expect(await readConfig(path)).toEqual(config);
  });

  it.each([0o640, 0o604, 0o620])('is not used when others may read or change it (mode %#)', async (mode) => {
    await changeConfig(path, () => config);
    await chmod(path, mode);
    await expect(readConfig(path)).rejects.toThrow(/can be read or changed by others/);
  });

  it('is written into directories that are not there yet, and says so where none can be made', async () => {
    await changeConfig(join(home, 'a', 'b', 'config.json'), () => config);
    expect(await readConfig(join(home, 'a', 'b', 'config.json'))).toEqual(config);
    await expect(changeConfig('/proc/1/none/paravcl/config.json', () => config)).rejects.toThrow('/proc/1/none/paravcl cannot be made');
  });

  it('closes a directory of ours that others may look into', async () => {
    await mkdir(dirname(path));
    await chmod(dirname(path), 0o755);
    await changeConfig(path, () => config);
    expect((await stat(dirname(path))).mode & 0o777).toBe(0o700);
  });

  it('is not written where others may change the directory', async () => {
    await mkdir(dirname(path));
    await chmod(dirname(path), 0o777);
    await expect(changeConfig(path, () => config)).rejects.toThrow(/can be changed by others/);
  });

  it('keeps what was changed by others meanwhile', async () => {
    const names = Array.from({ length: 12 }, (_, index) => `lab-${String(index)}`);
    await Promise.all(names.map((name) => changeConfig(path, ({ current, masters }) => ({ current, masters: { ...masters, [name]: { origin: `https://${name}:8443`, caPem: null, user: null, token: null, expiresAt: null } } }))));
    expect(Object.keys((await readConfig(path)).masters).sort()).toEqual([...names].sort());
    expect(await readdir(dirname(path))).toEqual(['config.json']);
  });

  it('is changed though a program was ended while it changed it', async () => {
    await mkdir(dirname(path), { mode: 0o700 });
    const longAgo = new Date(Date.now() - 60_000);
    await writeFile(`${path}.lock`, '');
    await utimes(`${path}.lock`, longAgo, longAgo);
    await changeConfig(path, () => config);
    expect(await readConfig(path)).toEqual(config);
    expect(await readdir(dirname(path))).toEqual(['config.json']);
  });

  it('is left alone, and free for others, where a change fails', async () => {
    await changeConfig(path, () => config);
    const failing = (): never => {
      throw new Error('not this way');
    };
    await expect(changeConfig(path, failing)).rejects.toThrow('not this way');
    expect(await readdir(dirname(path))).toEqual(['config.json']);
    expect(await readConfig(path)).toEqual(config);
  });

  it.each(['', '{', '{"current":3}'])('says that it is damaged: %s', async (text) => {
    await mkdir(dirname(path));
    await writeFile(path, text, { mode: 0o600 });
    await expect(readConfig(path)).rejects.toThrow(/is damaged/);
  });
});
