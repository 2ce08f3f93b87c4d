/** `paravcl fabric` and `slaves add` of the program as it is installed: what is told before anything is done. How they do it with real hosts: the master's system tests. */
import { listImages } from '@paravcl/shared/api/images';
import { parseJson } from '@paravcl/shared/parse-json';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CliUser } from './cli-run';
import { cliSite, type CliSite } from './cli-site';
import { SshListener } from './ssh-listener';

/** "discard": nobody listens there, and the kernel gives it to nobody. */
const closedPort = 9;

describe('paravcl fabric', () => {
  let site: CliSite;
  let admin: CliUser;
  let files: string;
  /** Where the master may dial, and where it may not. */
  let host: SshListener;
  let elsewhere: SshListener;

  beforeAll(async () => {
    [host, elsewhere] = [await SshListener.listen('127.0.0.1'), await SshListener.listen('127.0.0.2')];
    site = await cliSite({ fabric: { enabled: true, user: 'admin' }, hostInstalls: { networks: ['127.0.0.1/32'], ports: [22, closedPort, host.port, elsewhere.port] } });
    files = await mkdtemp(join(tmpdir(), 'pvb-'));
    admin = await CliUser.make();
    const { code, err } = await admin.login(site, site.admin);
    if (code !== 0) throw new Error(err);
  }, 180_000);

  afterAll(async () => {
    await admin.remove();
    await rm(files, { recursive: true });
    await site.close();
    await host.close();
    await elsewhere.close();
  }, 60_000);

  const write = async (name: string, text: string | Buffer): Promise<string> => {
    const path = join(files, name);
    await writeFile(path, text);
    return path;
  };
  const flavors = '{"types": [{"tid": 1, "cpu": 1, "ram": 128, "disk": 1}]}';

  it('tells all faults of all files, of images and of the way to the machines, each with its line, and does nothing', async () => {
    await mkdir(join(files, 'a directory'));
    const vmdk = await write('disk.vmdk', Buffer.concat([Buffer.from('KDMV'), Buffer.alloc(100)]));
    const good = await write('good.img', Buffer.alloc(4096, 3));
    const pm = await write('pm', `# machines\nroot@127.0.0.1:${String(closedPort)}\n192.0.2.7\nnot an address\n192.0.2.7\n`);
    const images = await write('images', `${good}\n${join(files, 'none.img')}\n${vmdk}\n${join(files, 'a directory')}\nrelative.img\n`);
    const types = await write('types', "{\n'small': {'cpu': 0, 'ram': 512, 'disk': 1},\n}");
    const ran = await admin.run(['fabric', pm, images, types, '--password-file', '-', '--yes-host-keys'], { input: 'never sent' });
    expect(ran).toMatchObject({ code: 1, out: '' });
    const at = (file: string, line: string): unknown => expect.stringContaining(`${file}:${line}: `);
    expect(ran.err.trimEnd().split('\n')).toEqual([
      at(pm, '4'),
      at(pm, '5'),
      expect.stringContaining(`${images}:2: "${join(files, 'none.img')}" is not there.`),
      expect.stringContaining(`${images}:3: "${vmdk}" cannot be taken. This is a VMDK image`),
      expect.stringContaining('is a directory: name the file in it.'),
      expect.stringContaining(`${images}:5: "relative.img" is no full path`),
      `${types}:2:18: cpu of "small" is 0: 1 to 64 cores.`,
      expect.stringContaining(`${pm}:2: 127.0.0.1: `),
      expect.stringContaining(`${pm}:3: 192.0.2.7: `),
      'Error: 9 faults; nothing was done.',
      'Try: mend them, then say the same line again',
    ]);
    expect((await site.admin.client.call(listImages, { query: {} })).items.map(({ name }) => name)).toEqual(['Stand-in']);

    const json = await admin.run(['fabric', pm, images, types, '--json']);
    expect(json).toMatchObject({ code: 1, err: '' });
    expect(parseJson(json.out)).toMatchObject({ ok: false, missing: [], faults: expect.arrayContaining([{ file: types, line: 2, column: 18, sentence: 'cpu of "small" is 0: 1 to 64 cores.' }]) as unknown });
  }, 60_000);

  it('says that a file is not there, and that somebody may not', async () => {
    const pm = await write('pm1', '192.0.2.9\n');
    const types = await write('types1', flavors);
    const user = await CliUser.make();
    try {
      await user.login(site, site.student);
      const ran = await user.run(['fabric', pm, join(files, 'no such'), types]);
      expect(ran).toMatchObject({ code: 1 });
      expect(ran.err).toContain(`${join(files, 'no such')}:1: the file cannot be read: it is not there.`);
      expect(ran.err).toContain('the master: stefan is student, and only an administrator defines types');
      expect(ran.err).not.toContain('192.0.2.9');
    } finally {
      await user.remove();
    }
  }, 60_000);

  it('adds no host whose address is wrong, not allowed or silent, or that shows another key than was named, and sends no secret there', async () => {
    const add = (address: string, ...more: readonly string[]): Promise<{ code: number | null; err: string }> => admin.run(['slaves', 'add', address, '--password-file', '-', ...(more.length === 0 ? ['--yes'] : more)], { input: 'a secret' });
    expect(await add('root@a@b:c')).toMatchObject({ code: 2, err: expect.stringContaining('"root@a" is no user name of a host') as string });
    expect(await add(`root@127.0.0.2:${String(elsewhere.port)}`)).toMatchObject({ code: 1, err: expect.stringMatching(/127\.0\.0\.2.*hostInstalls\.networks/) as string });
    expect(await add(`root@127.0.0.1:${String(closedPort)}`)).toMatchObject({ code: 1, err: expect.stringMatching(/127\.0\.0\.1/) as string });
    expect(await add(`root@127.0.0.1:${String(host.port)}`, '--fingerprint', `SHA256:${'a'.repeat(43)}`)).toMatchObject({ code: 1, err: expect.stringContaining(`another fingerprint than you named: ${host.fingerprint}. Nothing was sent to it.`) as string });
    expect([elsewhere.connections, elsewhere.tried, host.tried]).toEqual([0, [], []]);
    // That what is sent would have been written down.
    expect(host.connections).toBe(1);
    expect((await add(`root@127.0.0.1:${String(host.port)}`)).code).toBe(1);
    expect(host.tried).toContain('password: a secret');
  }, 60_000);
});
