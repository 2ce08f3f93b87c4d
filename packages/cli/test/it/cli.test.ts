import { listApiTokens } from '@paravcl/shared/api/api-tokens';
import { getCapacity } from '@paravcl/shared/api/capacity';
import { getInstanceWhy, getQueue } from '@paravcl/shared/api/decisions';
import { listDeployments } from '@paravcl/shared/api/deployments';
import { eventSchema, listEvents } from '@paravcl/shared/api/events';
import { listGroups, listMembers } from '@paravcl/shared/api/groups';
import { listImages } from '@paravcl/shared/api/images';
import { acceptedSchema, getInstance, getInstanceHistory, listInstances } from '@paravcl/shared/api/instances';
import { listJoinTokens } from '@paravcl/shared/api/join-tokens';
import { listNotices } from '@paravcl/shared/api/notices';
import { getReplay } from '@paravcl/shared/api/replay';
import { listClaimable, listReservations } from '@paravcl/shared/api/reservations';
import { getMe } from '@paravcl/shared/api/sessions';
import { getPolicy } from '@paravcl/shared/api/site';
import { getSlave, listSlaves } from '@paravcl/shared/api/slaves';
import { listSnapshots } from '@paravcl/shared/api/snapshots';
import { getUsage } from '@paravcl/shared/api/usage';
import { listUsers } from '@paravcl/shared/api/users';
import { parseJson } from '@paravcl/shared/parse-json';
import { eventually } from '@paravcl/workbench/eventually';
import { runProgram } from '@paravcl/workbench/process/run-program';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import { connect, createServer as createListener, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { CliUser } from './cli-run';
import { cliSite, type CliSite } from './cli-site';

// Each test starts the program many times; the limit only ends what hangs.
jest.setTimeout(60_000);

const errorOf = (text: string): { readonly detail: string; readonly try: string | null; readonly status?: number } => (parseJson(text) as { error: { detail: string; try: string | null } }).error;

describe('paravcl, of a whole master', () => {
  let site: CliSite;
  let admin: CliUser;
  let student: CliUser;
  let teacher: CliUser;

  beforeAll(async () => {
    site = await cliSite();
    [admin, student, teacher] = [await CliUser.make(), await CliUser.make(), await CliUser.make()];
    for (const [user, person] of [[admin, site.admin], [student, site.student], [teacher, site.teacher]] as const) {
      const { code, err } = await user.login(site, person);
      if (code !== 0) throw new Error(err);
    }
  }, 180_000);

  afterAll(async () => {
    await admin.remove();
    await student.remove();
    await teacher.remove();
    await site.close();
  }, 60_000);

  it('keeps what opens an account for its owner alone', async () => {
    expect((await stat(admin.configFile)).mode & 0o777).toBe(0o600);
    expect((await stat(join(admin.configFile, '..'))).mode & 0o777).toBe(0o700);
  });

  it('does not use a configuration that others may read', async () => {
    const user = await CliUser.make();
    await user.login(site, site.student);
    await chmod(user.configFile, 0o644);
    const { code, err } = await user.run(['whoami']);
    expect([code, err]).toEqual([1, expect.stringMatching(/can be read or changed by others.*\nTry: chmod 600 /)]);
    await user.remove();
  });

  it('says who is not logged in what to do', async () => {
    const user = await CliUser.make();
    expect(await user.run([])).toEqual({ code: 1, out: '', err: 'Error: You are not logged in to any master.\nTry: paravcl login URL\n' });
    const { code, out, err } = await user.run(['instances', 'list', '--json']);
    expect([code, out, errorOf(err)]).toEqual([1, '', { detail: 'You are not logged in to any master.', try: 'paravcl login URL' }]);
    await user.remove();
  });

  it('logs in by the fingerprint of the CA, and trusts no CA that nobody has compared', async () => {
    const user = await CliUser.make();
    const fingerprint = new X509Certificate(site.caPem).fingerprint256;
    const input = `${site.student.password}\n`;
    const words = ['login', site.url, '--user', 'stefan', '--password-file', '-'];
    const unseen = await user.run(words, { input });
    expect([unseen.code, unseen.err]).toEqual([2, expect.stringContaining(`SHA-256 ${fingerprint}`)]);
    const other = await user.run([...words, '--fingerprint', fingerprint.replace(/^../, fingerprint.startsWith('00') ? '11' : '00')], { input });
    expect([other.code, other.err]).toEqual([1, expect.stringContaining('another fingerprint than you named')]);
    const right = await user.run([...words, '--fingerprint', fingerprint], { input });
    expect([right.code, right.err]).toEqual([0, expect.stringContaining('as stefan, student. The session ends ')]);
    expect((await user.run(['whoami'])).out).toContain('stefan (Stefan of the Lab)');
    await user.remove();
  });

  it('refuses a wrong password and remembers nothing of it', async () => {
    const user = await CliUser.make();
    const { code, err } = await user.login(site, { name: 'stefan', password: 'not the password' });
    expect([code, err]).toEqual([1, expect.stringContaining('User name or password is wrong.')]);
    await expect(stat(user.configFile)).rejects.toThrow('ENOENT');
    await user.remove();
  });

  it('sends nothing to a master whose certificate another CA has signed', async () => {
    const user = await CliUser.make();
    await user.login(site, site.student);
    const [key, cert] = [join(user.configHome, 'key.pem'), join(user.configHome, 'cert.pem')];
    await runProgram('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key, '-out', cert, '-days', '2', '-subj', '/CN=impostor', '-addext', 'subjectAltName=IP:127.0.0.1']);
    const seen: string[] = [];
    const impostor = createServer({ key: await readFile(key), cert: await readFile(cert) }, (request, response) => {
      seen.push(String(request.headers.authorization));
      response.end('{}');
    }).listen(0, '127.0.0.1');
    await once(impostor, 'listening');
    const config = await readFile(user.configFile, 'utf8');
    await writeFile(user.configFile, config.replaceAll(`"origin": "${site.url}"`, `"origin": "https://127.0.0.1:${(impostor.address() as AddressInfo).port}"`));
    const { code, err } = await user.run(['whoami']);
    expect([code, err]).toEqual([1, expect.stringMatching(/not signed by the CA that you trusted.*nothing was sent[^]*--trust-anew/)]);
    expect(seen).toEqual([]);
    impostor.close();
    await user.remove();
  });

  it('ends the session at the master with a logout', async () => {
    const user = await CliUser.make();
    await user.login(site, site.student);
    const before = await readFile(user.configFile, 'utf8');
    expect((await user.run(['logout'])).code).toBe(0);
    expect((await user.run(['whoami'])).err).toContain(`Try: paravcl login ${site.url}`);
    await writeFile(user.configFile, before);
    const { code, err } = await user.run(['whoami']);
    expect([code, err]).toEqual([1, expect.stringContaining(`Try: paravcl login ${site.url}`)]);
    await user.remove();
  });

  it('launches a machine and waits until it runs, tells why it is there, and deletes it only when told', async () => {
    const launched = acceptedSchema.parse(await student.json(['instances', 'launch', 'Stand-in', '--name', 'web', '--time', '2h']));
    expect([launched.instance.observed, launched.operation.state]).toEqual(['running', 'done']);
    expect((await student.run(['instances', 'list'])).out).toMatch(/^NAME +STATE +ADDRESS .*\nweb +● running +10\./);
    expect((await student.run(['instances', 'list'], { env: { LANG: 'C' } })).out).toMatch(/\nweb +\* running /);
    expect(getInstance.answer.schema.parse(await student.json(['instances', 'show', 'web'])).id).toBe(launched.instance.id);
    expect(getInstanceHistory.answer.schema.parse(await student.json(['instances', 'history', 'web'])).items.length).toBeGreaterThan(0);
    expect(getInstanceWhy.answer.schema.parse(await student.json(['why', 'web'])).items[0]?.subject.id).toBe(launched.instance.id);
    expect((await student.run([])).out).toMatch(/Machines of stefan\n[^]*web .*paravcl ssh web/);
    expect((await student.run(['instances', 'suspend', 'web'])).out).toBe('web is saved.\n');
    const unasked = await student.run(['instances', 'delete', 'web']);
    expect([unasked.code, unasked.out, unasked.err]).toEqual([2, '', expect.stringMatching(/Delete web and its disk\?.*nothing was done\.\nTry: say it again with --yes/)]);
    expect((await student.run(['instances', 'delete', launched.instance.id, '--yes'])).out).toBe('web is deleted.\n');
  }, 120_000);

  it('says the same one line for a machine that is pledged as for a join token', async () => {
    const oneLine = /^\(cd .*\/join\.sh.*sha256sum -c --quiet && sh join\.sh\)$/m;
    const token = await admin.run(['slaves', 'token']);
    const shown = oneLine.exec(token.out)?.[0];
    expect(shown).toBeDefined();
    const launched = await student.run(['instances', 'launch', 'Stand-in', '--name', 'pledged', '--as-slave', '--no-wait']);
    expect([launched.code, launched.out, launched.err]).toEqual([0, expect.stringContaining(`${String(shown)}\n`), expect.stringMatching(/The machine that you pledge becomes a host with this\.[^]*It asks for this token/)]);
    const reserved = await teacher.run(['reservations', 'create', '--from', 'tomorrow 15:00', '--hours', '1', '--image', 'Stand-in', '--as-slave']);
    expect([reserved.code, reserved.out, reserved.err]).toEqual([0, expect.stringContaining(`${String(shown)}\n`), expect.stringContaining('It asks for this token')]);
    expect((await student.run(['instances', 'delete', 'pledged', '--yes'])).code).toBe(0);
  }, 120_000);

  it('decides again what was decided, under another policy too, for whoever runs the site', async () => {
    expect((await student.run(['instances', 'launch', 'Stand-in', '--name', 'again', '--time', '1h'])).code).toBe(0);
    const replay = getReplay.answer.schema.parse(await admin.json(['decisions', 'replay', '--since', '1h', '--ordering', 'fifo']));
    expect([replay.policy.tried, replay.recorded.others, replay.recorded.leftOut, replay.goOnAt]).toEqual(['fifo/para', 0, [], null]);
    expect(replay.recorded.reproduced).toBeGreaterThan(0);
    const asItWas = await admin.run(['decisions', 'replay', '--since', '1h']);
    expect([asItWas.code, asItWas.err]).toEqual([0, '']);
    expect(asItWas.out).toMatch(new RegExp(`^\\d+ rounds under para/para: of (\\d+) recorded decisions \\1 come out again from the same inputs\\.\nUnder para/para 0 of \\d+ answers would differ\\.\n\nNobody would wait longer: the policy is the same\\.\n$`));
    const tried = await admin.run(['decisions', 'replay', '--since', '1h', '--ordering', 'fifo']);
    expect([tried.code, tried.out, tried.err]).toEqual([0, expect.stringContaining('A forecast by simulation, not a measurement') as string, expect.stringContaining('Assumed: ') as string]);

    const [placed] = getInstanceWhy.answer.schema.parse(await admin.json(['why', 'again', '--limit', '1'])).items;
    const one = await admin.run(['decisions', 'replay', '--id', placed?.id ?? '', '--placement', 'spread']);
    expect([one.code, one.out]).toEqual([0, 'From the same inputs the same comes out again. para/spread changes nothing for it.\n']);

    const refused = await student.run(['decisions', 'replay']);
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('A student may not do this (decision.replay).') as string]);
    const unknown = await admin.run(['decisions', 'replay', '--placement', 'best']);
    expect([unknown.code, unknown.err]).toEqual([1, expect.stringContaining('There is no placement policy "best" here; there is para, least-loaded,') as string]);
    const codes = [];
    for (const words of [['--ordering', 'lifo'], ['--since', 'soon'], ['--id', 'again'], ['--rounds', '0'], ['--critical-limit', 'all'], ['--aging', '11']]) codes.push((await admin.run(['decisions', 'replay', ...words])).code);
    expect(codes).toEqual([2, 2, 2, 2, 2, 2]);
    expect((await admin.run(['decisions', 'replay', '--help'])).out).toContain('paravcl decisions replay --since 2h');
    expect((await student.run(['instances', 'delete', 'again', '--yes'])).code).toBe(0);
  }, 120_000);

  it('writes the shapes of the API as JSON, and tables without', async () => {
    const lists = [
      [['instances', 'list'], listInstances], [['slaves', 'list'], listSlaves], [['slaves', 'show', 'lab-pc-07'], getSlave], [['slaves', 'tokens', '--all'], listJoinTokens], [['images', 'list'], listImages], [['reservations', 'list'], listReservations],
      [['reservations', 'claimable'], listClaimable], [['queue'], getQueue], [['deployments', 'list'], listDeployments], [['snapshots', 'list'], listSnapshots], [['groups', 'list'], listGroups], [['groups', 'members', 'CL II'], listMembers], [['users', 'list'], listUsers],
      [['policy', 'show'], getPolicy], [['events'], listEvents], [['tokens', 'list'], listApiTokens], [['capacity'], getCapacity], [['notices'], listNotices], [['usage'], getUsage], [['whoami'], getMe],
    ] as const;
    for (const [words, { answer }] of lists) {
      const read = answer.schema.safeParse(await admin.json(words));
      expect([words.join(' '), read.error?.message]).toEqual([words.join(' '), undefined]);
      const { code, out } = await admin.run([...words, '-o', 'wide']);
      expect([words.join(' '), code, out.includes('\u001b'), out.startsWith('{')]).toEqual([words.join(' '), 0, false, false]);
    }
  }, 120_000);

  it('reserves machines in the zone of the site, and takes them back', async () => {
    const when = ['--from', 'tomorrow 10:00', '--hours', '2', '--image', 'Stand-in'];
    expect((await student.run(['reservations', 'check', ...when])).code).toBe(0);
    const made = await student.run(['reservations', 'create', ...when]);
    expect([made.code, made.out]).toEqual([0, expect.stringMatching(/from +.*, 10:00\nto +.*, 12:00/)]);
    const { items } = listReservations.answer.schema.parse(await student.json(['reservations', 'list']));
    const id = items[0]?.id.slice(0, 13) ?? '';
    expect((await student.run(['reservations', 'cancel', id])).code).toBe(2);
    expect((await student.run(['reservations', 'cancel', id, '--yes'])).code).toBe(0);
    const refused = await student.run(['reservations', 'create', ...when, '--count', '500']);
    expect([refused.code, refused.err]).toEqual([1, expect.stringMatching(/What you can have instead:[^]*Error: [^]*Try: paravcl why /)]);
  });

  it('brings the people of a list into a group once it is told to', async () => {
    const roster = ['groups', 'roster', 'CL II', '-'];
    const input = 'rosa,Rosa of the List,\nstefan,Stefan,\n';
    const dry = await admin.run(roster, { input });
    expect([dry.code, dry.out, dry.err]).toEqual([0, expect.stringMatching(/rosa +new-user/), expect.stringContaining('Nothing was done yet.')]);
    expect((await admin.run(['users', 'show', 'rosa'])).code).toBe(1);
    expect((await admin.run([...roster, '--apply'], { input })).code).toBe(0);
    expect((await admin.run(['users', 'show', 'rosa'])).out).toMatch(/groups +CL II/);
    const broken = await admin.run(roster, { input: 'x y z\n' });
    expect([broken.code, broken.err]).toEqual([1, expect.stringContaining('have a fault; nothing was done.')]);
  });

  it('ends with 0 when it is done, 1 when it was refused, 2 when it was asked for in a wrong way', async () => {
    const codes: unknown[] = [];
    for (const words of [['--version'], ['help'], ['instances', 'launch', '--help'], ['instances', 'show', 'nope'], ['slaves', 'drain', 'lab-pc-07'], ['nonsense'], ['instances', 'show'], ['instances', 'list', '--nonsense'], ['instances', 'list', '-o', 'bogus'], ['instances'], ['instances', 'frobnicate'], ['reservations', 'create', '--from', 'soon', '--hours', '1']]) codes.push([words.join(' '), (await student.run(words)).code]);
    expect(codes).toEqual([['--version', 0], ['help', 0], ['instances launch --help', 0], ['instances show nope', 1], ['slaves drain lab-pc-07', 1], ['nonsense', 2], ['instances show', 2], ['instances list --nonsense', 2], ['instances list -o bogus', 2], ['instances', 0], ['instances frobnicate', 2], ['reservations create --from soon --hours 1', 2]]);
    expect((await student.run(['instances', 'show', 'nope'])).err).toContain('Try: paravcl instances list');
    const said = async (...words: readonly string[]): Promise<string> => (await student.run(words)).err;
    expect(await said('list', 'instances')).toContain('Try: paravcl instances list\n');
    expect(await said('launch', 'Stand-in')).toContain('Try: paravcl instances launch --help\n');
    expect(await said('why', 'nope')).toContain('There is no instance, reservation or decision "nope"');
    expect(await said('instances', 'launch', 'Stand-in', '--vcpus', '99')).toBe('Error: vcpus: at most 64.\nTry: paravcl instances launch --help\n');
    expect(await said('instances', 'launch', 'Stand-in', '--ssh-key', '/nope')).toContain('Error: /nope is not there.');
    const { err } = await student.run(['instances', 'show', '--json']);
    expect(errorOf(err)).toEqual({ detail: "missing required argument 'instance'", try: 'paravcl instances show --help' });
  });

  it('tells events as they happen, a JSON line each, until it is interrupted', async () => {
    const following = admin.start(['events', '--follow', '--json', '--kind', 'group.', '--limit', '1']);
    let out = '';
    following.stdout.on('data', (data: Buffer) => (out += data.toString()));
    const told = (): readonly string[] => out.split('\n').slice(0, -1).map((line) => eventSchema.parse(parseJson(line)).sentence);
    await eventually('the events before', 20_000, () => Promise.resolve(told().length > 0 || undefined));
    expect((await admin.run(['groups', 'create', 'Followed'])).code).toBe(0);
    await eventually('the new event', 20_000, () => Promise.resolve(told().some((sentence) => sentence.includes('Followed')) || undefined));
    expect(new Set(told()).size).toBe(told().length);
    following.kill('SIGINT');
    expect(await once(following, 'close')).toEqual([0, null]);
  }, 60_000);

  it('tells of a burst of events what was asked for, and none of it as new', async () => {
    for (const name of ['First', 'Second', 'Third']) expect((await admin.run(['groups', 'create', name])).code).toBe(0);
    const following = admin.start(['events', '--follow', '--json', '--kind', 'group.', '--limit', '1']);
    let out = '';
    following.stdout.on('data', (data: Buffer) => (out += data.toString()));
    const told = (): readonly string[] => out.split('\n').slice(0, -1).map((line) => eventSchema.parse(parseJson(line)).sentence);
    await eventually('the last of the burst', 20_000, () => Promise.resolve(told().length > 0 || undefined));
    expect((await admin.run(['groups', 'create', 'Afterwards'])).code).toBe(0);
    await eventually('what happened afterwards', 20_000, () => Promise.resolve(told().some((sentence) => sentence.includes('Afterwards')) || undefined));
    expect(told()).toEqual([expect.stringContaining('Third'), expect.stringContaining('Afterwards')]);
    following.kill('SIGINT');
    expect(await once(following, 'close')).toEqual([0, null]);
  }, 60_000);

  it('keeps both of two logins at a time', async () => {
    const user = await CliUser.make();
    const { port } = new URL(site.url);
    let calls = 0;
    const between = createListener((client) => {
      calls += 1;
      const onward = connect(Number(port), '127.0.0.1');
      for (const one of [client, onward]) one.on('error', () => undefined);
      client.pipe(onward).pipe(client);
    }).listen(0, '127.0.0.1');
    await once(between, 'listening');
    const slow = user.start(['login', `https://127.0.0.1:${String((between.address() as AddressInfo).port)}`, '--user', 'stefan', '--password-file', '-', '--ca', site.caFile, '--as', 'slow']);
    // It has read the configuration once it asks the master, and waits for the password now.
    await eventually('the first login', 20_000, () => Promise.resolve(calls > 0 || undefined));
    expect((await user.login(site, site.student)).code).toBe(0);
    slow.stdin.end(`${site.student.password}\n`);
    expect(await once(slow, 'close')).toEqual([0, null]);
    const { current, masters } = parseJson(await readFile(user.configFile, 'utf8')) as { current: string; masters: object };
    expect([current, Object.keys(masters).sort()]).toEqual(['slow', [`127.0.0.1:${port}`, 'slow']]);
    between.close();
    await user.remove();
  });

  it('works for scripts with a token of the environment alone', async () => {
    const { token } = (await student.json(['tokens', 'create', 'nightly', '--scope', 'read'])) as { token: string };
    const script = await CliUser.make();
    const env = { PARAVCL_MASTER: site.url, PARAVCL_CA: site.caFile, PARAVCL_TOKEN: token };
    expect((await script.run(['whoami'], { env })).out).toMatch(/user +stefan[^]*by +the token of PARAVCL_TOKEN/);
    const { code, err } = await script.run(['instances', 'launch', 'Stand-in'], { env });
    expect([code, err]).toEqual([1, expect.stringContaining('Error: ')]);
    expect((await student.run(['tokens', 'revoke', 'nightly'])).code).toBe(0);
    expect((await script.run(['whoami'], { env })).err).toContain('PARAVCL_TOKEN');
    await script.remove();
  });

  it('completes commands in bash and names of the site, and is quiet where it cannot', async () => {
    const script = await admin.run(['completion', 'bash']);
    expect(script.code).toBe(0);
    const ask = 'COMP_WORDS=(paravcl "$@"); COMP_CWORD=$(($# )); _paravcl; printf "%s\\n" "${COMPREPLY[@]}"';
    const complete = (...words: readonly string[]): Promise<string> => runProgram('bash', ['-c', `paravcl() { "$NODE" "$PROGRAM" "$@"; }\n${script.out}\n${ask}`, 'bash', ...words], { env: { NODE: process.execPath, PROGRAM: join(__dirname, '..', '..', 'dist', 'paravcl.cjs'), XDG_CONFIG_HOME: admin.configHome } });
    expect(await complete('dep')).toBe('deployments\n');
    expect(await complete('slaves', 'ev')).toBe('evacuate\n');
    expect(await complete('slaves', 'show', 'lab')).toBe('lab-pc-07\n');
    expect(await complete('groups', 'members', 'CL')).toBe('CL\\ II\n');
    const joinToken = ((await admin.json(['slaves', 'token'])) as { joinToken: { id: string } }).joinToken.id;
    expect((await complete('slaves', 'revoke-token', '')).split('\n')).toContain(joinToken);
    expect(await complete('slaves', 'revoke-token', 'lab')).toBe('\n');
    expect(await complete('groups', 'add-member', 'CL II', 'ste')).toBe('stefan\n');
    expect(await complete('instances', 'launch', '--group', 'CL')).toBe('CL\\ II\n');
    const nobody = await CliUser.make();
    expect(await nobody.run(['__complete', '--', 'instances', 'show'])).toEqual({ code: 0, out: '', err: '' });
    await nobody.remove();
  });

  it('gives a silent master up before whoever pressed Tab does', async () => {
    const script = (await admin.run(['completion', 'bash'])).out;
    const silent = createListener((client) => client.on('error', () => undefined)).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const env = { NODE: process.execPath, PROGRAM: join(__dirname, '..', '..', 'dist', 'paravcl.cjs'), PARAVCL_MASTER: `https://127.0.0.1:${String((silent.address() as AddressInfo).port)}`, PARAVCL_TOKEN: 'a token', HOME: admin.configHome, XDG_CONFIG_HOME: admin.configHome };
    const began = Date.now();
    const completed = runProgram('bash', ['-c', `paravcl() { "$NODE" "$PROGRAM" "$@"; }\n${script}\nCOMP_WORDS=(paravcl instances show ""); COMP_CWORD=3; _paravcl; printf "%s\\n" "\${COMPREPLY[@]}"`], { env });
    await once(silent, 'connection');
    await completed;
    expect(Date.now() - began).toBeLessThan(20_000);
    silent.close();
  });
});
