/** `paravcl slaves add`, `remove` and `installs` of the program as it is installed, at a host that lets nobody in: who goes away, comes back, and takes it back. */
import { getHostInstall, listHostInstalls } from '@paravcl/shared/api/host-installs';
import { eventually } from '@paravcl/workbench/eventually';
import { once } from 'node:events';
import { CliUser, type Ran } from './cli-run';
import { cliSite, type CliSite } from './cli-site';
import { SshListener } from './ssh-listener';

describe('what is done to hosts', () => {
  let site: CliSite;
  let admin: CliUser;
  let host: SshListener;
  let where: string;

  beforeAll(async () => {
    host = await SshListener.listen('127.0.0.1');
    where = `root@127.0.0.1:${String(host.port)}`;
    site = await cliSite({ hostInstalls: { networks: ['127.0.0.1/32'], ports: [host.port] } });
    admin = await CliUser.make();
    const { code, err } = await admin.login(site, site.admin);
    if (code !== 0) throw new Error(err);
  }, 180_000);

  afterAll(async () => {
    await admin.remove();
    await site.close();
    await host.close();
  }, 60_000);

  /** Says a line, waits until it has said something, and presses Ctrl-C. */
  const goAway = async (words: readonly string[], said: RegExp): Promise<Ran> => {
    const child = admin.start(words);
    let [out, err] = ['', ''];
    child.stdout.on('data', (data: Buffer) => (out += data.toString()));
    child.stderr.on('data', (data: Buffer) => (err += data.toString()));
    child.stdin.end('a secret');
    try {
      await eventually(String(said), 30_000, () => Promise.resolve(said.test(err) || undefined), { state: () => err });
      child.kill('SIGINT');
      const [code] = (await once(child, 'close')) as [number];
      return { code, out, err };
    } finally {
      child.kill('SIGKILL');
    }
  };

  it('goes on when nobody waits, is followed by the same line again, and is listed, shown and cancelled', async () => {
    host.answers = 'never';
    const add = ['slaves', 'add', where, '--name', 'lab-pc-08', '--no-approve', '--password-file', '-', '--yes'];
    const first = await goAway(add, /login: /);
    const id = /Try: paravcl slaves installs follow (\S+), /.exec(first.err)?.[1] ?? '';
    expect(first).toMatchObject({ code: 1, err: expect.stringContaining('the master goes on with it.') as string });

    const again = await goAway(add, /This is under way since today [^]*login: /);
    expect(again.err).toContain(`(${id}); here is how it goes on.`);
    expect(host.tried).toEqual(['password: a secret']);
    const follow = await goAway(['slaves', 'installs', 'follow', 'lab-pc-08'], /login: /);
    expect(follow.err).toContain(`installs follow ${id}`);

    const { items } = listHostInstalls.answer.schema.parse(await admin.json(['slaves', 'installs']));
    expect(items.map((one) => [one.id, one.state])).toEqual([[id, 'running']]);
    expect((await admin.run(['slaves', 'installs', 'list', '-o', 'wide'])).out).toMatch(new RegExp(`${id} +. running +lab-pc-08 at 127\\.0\\.0\\.1:${String(host.port)} +put on `));
    expect((await admin.run(['slaves', 'installs', 'show', '127.0.0.1'])).out).toMatch(/\nconnect +done: [^]*\nlogin +running: [^]*\nnext +paravcl slaves installs follow /);

    const cancelled = getHostInstall.answer.schema.parse(await admin.json(['slaves', 'installs', 'cancel', id.slice(0, 13)]));
    expect(cancelled).toMatchObject({ id, state: 'cancelled' });
    const over = await admin.run(['slaves', 'installs', 'follow', id]);
    expect(over).toMatchObject({ code: 1, err: expect.stringContaining(`Try: paravcl slaves add ${where} --name lab-pc-08 --no-approve: it goes on where it was`) as string });
    expect((await admin.run(['slaves', 'installs', 'cancel', id])).code).toBe(1);
    expect((await admin.run(['slaves', 'installs', 'follow', 'lab-pc-08'])).err).toContain('Try: paravcl slaves installs');
  }, 180_000);

  it('is told with the whole line that goes on with it', async () => {
    host.refuse();
    const failed = await admin.run(['slaves', 'add', where, '--name', 'lab-pc-08', '--volunteer', '--start', 'unsupervised', '--no-approve', '--password-file', '-', '--yes'], { input: 'a secret' });
    expect(failed).toMatchObject({ code: 1, err: expect.stringContaining(`Try: paravcl slaves add ${where} --name lab-pc-08 --volunteer --start unsupervised --no-approve --password-file -, once that is mended`) as string });
  }, 60_000);

  it('names whose machine a volunteer is, also in the line that goes on with it, and of no other host', async () => {
    host.refuse();
    const login = ['--password-file', '-', '--yes'];
    expect(await admin.run(['slaves', 'add', where, '--owner', 'admin', ...login], { input: 'a secret' })).toMatchObject({ code: 2, err: expect.stringContaining('--owner goes with --volunteer: a host of the lab has no owner.') as string });
    expect((await admin.run(['users', 'create', 'alice', '--display-name', 'Alice'])).code).toBe(0);
    const failed = await admin.run(['slaves', 'add', where, '--volunteer', '--owner', 'alice', ...login], { input: 'a secret' });
    expect(failed).toMatchObject({ code: 1, err: expect.stringContaining(`Try: paravcl slaves add ${where} --volunteer --owner alice --password-file -`) as string });
    const [last] = listHostInstalls.answer.schema.parse(await admin.json(['slaves', 'installs', '--limit', '1'])).items;
    const shown = (await admin.run(['slaves', 'installs', 'show', last?.id ?? ''])).out;
    expect(shown).toMatch(/\nowner +alice\n/);
    expect(shown).toContain(`paravcl slaves add ${where} --volunteer --owner ${last?.ownerUserId ?? 'nobody'}`);
    expect(await admin.json(['slaves', 'token', '--kind', 'volunteer', '--owner', 'alice'])).toMatchObject({ joinToken: { ownerUserId: last?.ownerUserId } });
    // A host with an owner is a volunteer: that need not be said.
    expect(await admin.json(['slaves', 'token', '--owner', 'alice'])).toMatchObject({ joinToken: { kind: 'volunteer', ownerUserId: last?.ownerUserId } });
    expect(await admin.run(['slaves', 'token', '--kind', 'dedicated', '--owner', 'alice'])).toMatchObject({ code: 2, err: expect.stringContaining('--owner goes with --kind volunteer: a host of the lab has no owner.') as string });
  }, 120_000);

  it('can be begun again after a removal that failed when the host had left the pool already', async () => {
    const failed = await admin.run(['slaves', 'remove', 'lab-pc-07', '--address', where, '--force', '--keep-packages', '--password-file', '-', '--yes'], { input: 'a secret' });
    expect(failed.err).toContain(`Try: paravcl slaves remove ${site.slave.id} --address ${where} --force --keep-packages --password-file -, once that is mended`);
    expect((await admin.run(['slaves', 'retire', 'lab-pc-07', '--yes'])).code).toBe(0);
    const words = /Try: paravcl (.*), once/.exec(failed.err)?.[1]?.split(' ') ?? [];
    const again = await admin.run([...words, '--yes'], { input: 'a secret' });
    expect(again.err).toContain('It failed at login: ');
  }, 60_000);
});
