/** Upload, console, SSH and doctor of the program as it is installed, against a whole master with a simulated host. */
import { listImages } from '@paravcl/shared/api/images';
import { acceptedSchema } from '@paravcl/shared/api/instances';
import { parseJson } from '@paravcl/shared/parse-json';
import { eventually } from '@paravcl/workbench/eventually';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { createServer, connect, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CliUser } from './cli-run';
import { cliSite, type CliSite } from './cli-site';
import { atTerminal } from './pty';

interface Report {
  readonly ok: boolean;
  readonly findings: readonly { readonly check: string; readonly state: string; readonly sentence: string; readonly mend: string | null }[];
}

describe('paravcl, of images and machines', () => {
  let site: CliSite;
  let admin: CliUser;
  let student: CliUser;
  let files: string;

  beforeAll(async () => {
    site = await cliSite();
    files = await mkdtemp(join(tmpdir(), 'pvf-'));
    [admin, student] = [await CliUser.make(), await CliUser.make()];
    for (const [user, person] of [[admin, site.admin], [student, site.student]] as const) {
      const { code, err } = await user.login(site, person);
      if (code !== 0) throw new Error(err);
    }
  }, 180_000);

  afterAll(async () => {
    await admin.remove();
    await student.remove();
    await rm(files, { recursive: true });
    await site.close();
  }, 60_000);

  const imageOf = async (name: string): Promise<Awaited<ReturnType<typeof site.admin.client.call<typeof listImages>>>['items'][number] | undefined> => (await site.admin.client.call(listImages, { query: {} })).items.find((image) => image.name === name);

  describe('images upload', () => {
    it('tells a file that cannot be one before anything is sent', async () => {
      const vmdk = join(files, 'disk.vmdk');
      await writeFile(vmdk, Buffer.concat([Buffer.from('KDMV'), Buffer.alloc(1000)]));
      const refused = await admin.run(['images', 'upload', vmdk]);
      expect(refused).toMatchObject({ code: 1, out: '' });
      expect(refused.err).toContain('This is a VMDK image, not a qcow2 image; convert it with "qemu-img convert -O qcow2" first.');
      expect((await admin.run(['images', 'upload', join(files, 'none')])).err).toContain('none is not there.');
      expect((await admin.run(['images', 'upload', files])).err).toContain('is a directory: name the file in it.');
      expect(await imageOf('disk')).toBeUndefined();
    }, 60_000);

    it('goes on where Ctrl-C ended it, and keeps what is there already', async () => {
      const file = join(files, 'Big disk.img');
      await writeFile(file, 'the beginning');
      await truncate(file, 1500 * 1024 * 1024);
      const reading = admin.start(['images', 'upload', file]);
      let read = '';
      reading.stderr.on('data', (data: Buffer) => {
        read += data.toString();
        if (!reading.killed && read.includes('Reading')) reading.kill('SIGINT');
      });
      await once(reading, 'close');
      expect(read).toContain('Error: Broken off before anything was sent.\nTry: the same line again\n');
      expect(await imageOf('Big disk')).toBeUndefined();

      const first = admin.start(['images', 'upload', file]);
      let said = '';
      first.stderr.on('data', (data: Buffer) => {
        said += data.toString();
        // Once: a second one would end it without a word.
        if (!first.killed && /Sending [^\n]* [1-9]\d %/.test(said)) first.kill('SIGINT');
      });
      const [code] = (await once(first, 'close')) as [number];
      expect(said).toMatch(/Error: The upload of EMI-\S+ was broken off at \d+ %; what arrived is kept\./);
      expect(code).toBe(1);
      const begun = await eventually('the master to keep what arrived', 30_000, async () => {
        const image = await imageOf('Big disk');
        return image !== undefined && image.receivedBytes > 0 ? image : undefined;
      });
      expect(begun.state).toBe('uploading');

      const second = await admin.run(['images', 'upload', file]);
      expect(second).toMatchObject({ code: 0 });
      expect(second.err).toMatch(/Going on with EMI-\S+ at \d+ %: what arrived before is kept\./);
      expect(second.out).toContain(`${begun.friendlyId}, version 1 of Big disk, is ready`);
      expect(second.err).toContain("Launch it: paravcl instances launch 'Big disk'");

      const third = await admin.run(['images', 'upload', file]);
      expect(third.out).toContain('has these bytes already and is ready. Nothing was sent.');
      expect(await imageOf('Big disk')).toMatchObject({ id: begun.id, state: 'ready' });
    }, 240_000);

    it('goes on by itself when the connection breaks, and makes a new version of an image', async () => {
      const small = join(files, 'first.img');
      await writeFile(small, Buffer.alloc(8192, 7));
      expect(await admin.run(['images', 'upload', small, '--name', 'Lab disk'])).toMatchObject({ code: 0 });
      const upstream = new URL(site.url);
      const sockets = new Set<Socket>();
      let passed = 0;
      let cut = false;
      const between = createServer((client) => {
        const onward = connect(Number(upstream.port), upstream.hostname);
        for (const one of [client, onward]) one.on('error', () => undefined);
        sockets.add(client);
        client.on('data', (data) => {
          passed += data.length;
          if (passed > 30_000_000 && !cut) {
            cut = true;
            for (const one of sockets) one.destroy();
          }
        });
        client.pipe(onward).pipe(client);
        client.on('close', () => onward.destroy());
      }).listen(0, '127.0.0.1');
      await once(between, 'listening');
      const file = join(files, 'next.img');
      await writeFile(file, 'another beginning');
      await truncate(file, 100 * 1024 * 1024);
      const there = await CliUser.make();
      try {
        const url = `https://127.0.0.1:${String((between.address() as AddressInfo).port)}`;
        await there.login({ url, caFile: site.caFile }, site.admin);
        const ran = await there.run(['images', 'upload', file, '--version-of', 'lab disk', '--json']);
        if (ran.code !== 0) throw new Error(ran.err);
        expect(ran).toMatchObject({ code: 0, err: expect.stringContaining('The connection broke. Trying again.') as unknown });
        expect(parseJson(ran.out)).toMatchObject({ familyName: 'Lab disk', version: 2, state: 'ready', receivedBytes: 100 * 1024 * 1024 });
        expect(cut).toBe(true);
      } finally {
        await there.remove();
        for (const one of sockets) one.destroy();
        between.close();
      }
    }, 120_000);

    it('is refused to a student in the words of the master', async () => {
      const file = join(files, 'own.img');
      await writeFile(file, Buffer.alloc(4096, 1));
      const ran = await student.run(['images', 'upload', file]);
      expect(ran.code).toBe(1);
      expect(ran.err).toContain('Try: paravcl whoami');
    });
  });

  describe('console', () => {
    let name: string;

    beforeAll(async () => {
      const launched = acceptedSchema.parse(await student.json(['instances', 'launch', site.image.friendlyId, '--ram', '128M']));
      ({ name } = launched.instance);
    }, 120_000);

    it('shows the machine’s serial console at a terminal, hands on what is typed, and leaves by Ctrl-] with the terminal as it was', async () => {
      const terminal = atTerminal(student, ['console', name]);
      await eventually('the console', 60_000, () => Promise.resolve(terminal.shown().includes('simulated serial console of') || undefined));
      expect(terminal.shown()).toContain(`You are at the serial console of ${name}. Ctrl-] leaves, and it goes on.`);
      // Ctrl-C is for the guest: it does not end us.
      terminal.type('hello\x03there');
      await eventually('what comes back', 30_000, () => Promise.resolve(terminal.shown().includes('hello\x03there') || undefined));
      terminal.type('\x1d');
      expect(await terminal.ended).toMatch(/You left the console of \S+; it goes on\.[^]*ENDED 0 restored/);
    }, 120_000);

    it('restores the terminal and says why when the machine is suspended', async () => {
      const terminal = atTerminal(student, ['console', name]);
      await eventually('the console', 60_000, () => Promise.resolve(terminal.shown().includes('simulated serial console of') || undefined));
      expect((await student.run(['instances', 'suspend', name])).code).toBe(0);
      expect(await terminal.ended).toMatch(/Error:\S* The console of \S+ ended where the machine is[^]*Try: paravcl instances show[^]*ENDED 1 restored/);
      const refused = await student.run(['console', name]);
      expect(refused).toMatchObject({ code: 1 });
      expect(refused.err).toContain(name);
      expect((await student.run(['instances', 'resume', name])).code).toBe(0);
    }, 120_000);

    it('takes what a pipe has, and says that an API token opens none', async () => {
      const piped = await student.run(['console', name], { input: 'from a pipe' });
      expect(piped).toMatchObject({ code: 0, out: expect.stringContaining('from a pipe') as unknown });
      const { token } = (await student.json(['tokens', 'create', 'a token'])) as { token: string };
      const refused = await student.run(['console', name], { env: { PARAVCL_MASTER: site.url, PARAVCL_CA: site.caFile, PARAVCL_TOKEN: token } });
      expect(refused).toMatchObject({ code: 1, err: `Error: An API token cannot open a console. Log in and do it there.\nTry: paravcl login ${site.url}, and leave PARAVCL_TOKEN away\n` });
    }, 60_000);

    it('prints the ssh command with a file that knows the gateway’s key', async () => {
      const printed = await student.run(['ssh', name, '--print', '--', 'uname', '-a']);
      expect(printed.err).toBe('');
      expect(printed.out).toMatch(new RegExp(`^ssh -F \\S+/${name}\\.config ${name} -- uname -a\\n$`));
    });
  });

  describe('doctor', () => {
    const faults = ({ findings }: Report): string[] => findings.filter(({ state }) => state === 'fault').map(({ check }) => check);
    const doctor = async (user: CliUser, env: Record<string, string> = {}): Promise<{ code: number | null; report: Report; err: string }> => {
      const { code, out, err } = await user.run(['doctor', '--json'], { env });
      return { code, report: parseJson(out) as Report, err };
    };

    it('finds all well, and the hosts and the store for who runs the site', async () => {
      const well = await doctor(admin);
      expect(faults(well.report)).toEqual([]);
      expect(well).toMatchObject({ code: 0, report: { ok: true } });
      expect(well.report.findings.map(({ check }) => check)).toEqual(expect.arrayContaining(['config', 'dns', 'tcp', 'tls', 'master', 'clock', 'session', 'version', 'ssh', 'gateway', 'store']));
      expect((await doctor(student)).report.findings.map(({ check }) => check)).not.toContain('store');
      const told = await admin.run(['doctor']);
      expect(told.out).toMatch(/^ {2}ok {7}The SSH gateway at /m);
    }, 60_000);

    it('finds what is wrong on the way, with what mends it, and ends with 1', async () => {
      const nobody = await CliUser.make();
      try {
        expect(await doctor(nobody)).toMatchObject({ code: 1, report: { ok: false, findings: [{ check: 'config', state: 'fault', mend: 'paravcl login URL' }] } });
        const at = (master: string): Record<string, string> => ({ PARAVCL_MASTER: master, PARAVCL_CA: site.caFile });
        expect(faults((await doctor(nobody, at('https://no-such-host.invalid'))).report)).toEqual(['dns']);
        expect(faults((await doctor(nobody, at('https://127.0.0.1:1'))).report)).toEqual(['tcp']);
        const own = await doctor(nobody, { PARAVCL_MASTER: site.url });
        expect(faults(own.report)).toEqual(['tls']);
        const anonymous = await doctor(nobody, at(site.url));
        expect(anonymous.report.findings.at(-1)).toMatchObject({ check: 'session', state: 'fault', mend: `paravcl login ${site.url}` });
        expect(faults((await doctor(nobody, { ...at(site.url), PARAVCL_TOKEN: 'pva_none' })).report)).toEqual(['session']);
      } finally {
        await nobody.remove();
      }
      await chmod(student.configFile, 0o644);
      const open = await doctor(student);
      await chmod(student.configFile, 0o600);
      expect(open).toMatchObject({ code: 1, report: { findings: [{ check: 'config', state: 'fault', mend: `chmod 600 ${student.configFile}` }] } });
      expect(open.err).toContain('1 fault: config.');
    }, 90_000);
  });
});
