/** The gateway as people meet it: this machine's OpenSSH client, real users and machines, and a TCP server where the guest would be. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, connect, type AddressInfo, type Socket } from 'node:net';
import { readFile } from 'node:fs/promises';
import { Client, type ClientChannel } from 'ssh2';
import type { InstanceRecord } from '../../src/core/instance-record';
import { eventually } from './eventually';
import { HandClock } from './hand-clock';
import { FarEnd, openSshRig, sha256, type SshRig } from './ssh-rig';
import { goodPassword } from './test-site';

jest.setTimeout(60_000);

const sentBytes = 5_000_000;
let rig: SshRig;
/** Answers with what it hears, and hangs up after so many bytes. */
let echo: FarEnd;
let port: number;
let machine: InstanceRecord;
let endLapsed: () => Promise<void>;
const at = (user: string, on = port): readonly string[] => ['-p', String(on), `${user}@127.0.0.1`];
const key = (name: string) => rig.ssh.options({ key: name });

beforeAll(async () => {
  rig = await openSshRig();
  echo = new FarEnd((socket) => {
    let heard = 0;
    socket.on('data', (bytes: Buffer) => {
      heard += bytes.length;
      if (heard >= sentBytes) socket.end(bytes);
      else socket.write(bytes);
    });
  });
  rig.farEnds.set(22, await echo.listen());
  rig.farEnds.set(80, 'i-ubuntu-9af refused port 80: nothing listens there, or not yet.');
  const made = await rig.gateway();
  ({ port } = made);
  endLapsed = () => made.gateway.endLapsed();
  const { student, teacher } = rig.site.people;
  await rig.unit.read.users.update(student.id, { sshPublicKeys: [await rig.ssh.makeKey('student'), await rig.ssh.makeKey('student-rsa', 'rsa'), await rig.ssh.makeKey('student-ecdsa', 'ecdsa')] });
  await rig.unit.read.users.update(teacher.id, { sshPublicKeys: [await rig.ssh.makeKey('teacher')] });
  await rig.ssh.makeKey('stranger');
  machine = await rig.machine(student, 'i-ubuntu-9af', { address: '10.77.0.9' });
  await rig.machine(student, 'i-asleep', { observed: 'suspended', desired: 'suspended' });
  await rig.machine(teacher, 'i-teacher');
});
afterAll(async () => {
  echo.close();
  await rig.close();
});

/** A forward that is up: the far end has said what it heard. */
async function upForward(user = 'student1', options = 'student', on = port) {
  const started = rig.ssh.start([...(await key(options)), '-W', 'i-ubuntu-9af:22', ...at(user, on)]);
  started.child.stdin.write('here\n');
  await eventually('the far end to answer', () => started.said().out === 'here\n');
  return started;
}

/** A client that has read who we are, has said `first`, and does nothing more. */
async function idler(on: number, first: string | null): Promise<Socket> {
  const socket = connect(on, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'data');
  if (first !== null) socket.write(first);
  return socket;
}

describe('who has a key', () => {
  test.each(['student', 'student-rsa', 'student-ecdsa'])('reaches port 22 of a machine of theirs with %s, and every byte comes through', async (name) => {
    const sent = randomBytes(sentBytes);
    const { code, out, err } = await rig.ssh.run([...(await key(name)), '-W', 'i-ubuntu-9af:22', ...at('student1')], sent);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(sha256(Buffer.from(out, 'latin1'))).toBe(sha256(sent));
    expect(rig.joins.at(-1)).toMatchObject({ end: { kind: 'port', port: 22 } });
  });

  test('is written down with the machine, the port and the bytes, as are those who come and those who do not', async () => {
    await eventually('the end to be written down', async () => (await rig.events('console.closed')).length >= 3);
    const [[closed], [opened]] = await Promise.all([rig.events('console.closed'), rig.events('console.opened')]);
    expect(closed).toMatchObject({ actor: 'user student1', clientAddress: '127.0.0.1', subject: { type: 'instance' } });
    expect(closed?.sentence).toMatch(/^Port 22 of i-ubuntu-9af that student1 had open from 127\.0\.0\.1 was closed after \d+ s and 10 MiB\.$/);
    expect(opened?.sentence).toMatch(/^student1 opened port 22 of i-ubuntu-9af from 127\.0\.0\.1\./);
    expect((await rig.events('ssh.logged-in'))[0]).toMatchObject({ sentence: 'student1 logged in at the SSH gateway with a key.', clientAddress: '127.0.0.1' });
    expect((await rig.ssh.run([...(await key('stranger')), '-W', 'i-ubuntu-9af:22', ...at('student1')])).err).toContain('Permission denied (publickey,password)');
    await eventually('the refusal to be written down', async () => (await rig.events('ssh.login-refused')).length >= 1);
    expect((await rig.events('ssh.login-refused'))[0]).toMatchObject({ actor: 'nobody as student1', clientAddress: '127.0.0.1', sentence: 'Login by SSH as student1 was refused: none of 1 tries with a key was right.' });
  });

  test('is nobody under another name, whose key it is not', async () => {
    expect((await rig.ssh.run([...(await key('student')), '-W', 'i-teacher:22', ...at('teacher1')])).err).toContain('Permission denied');
  });
});

describe('what is asked for is refused with a sentence', () => {
  test.each([
    ['a machine of somebody else', 'i-teacher:22', 'administratively prohibited: There is no machine i-teacher that is yours.'],
    ['a machine that does not exist, in the same words', 'i-nowhere:22', 'administratively prohibited: There is no machine i-nowhere that is yours.'],
    ['the address of a machine of theirs', '10.77.0.9:22', 'administratively prohibited: There is no machine of that name that is yours. Use its name'],
    ['the master itself', '127.0.0.1:22', 'administratively prohibited: There is no machine of that name that is yours.'],
    ['the master by a name', 'localhost:22', 'administratively prohibited: There is no machine localhost that is yours.'],
    ['a machine that is saved', 'i-asleep:22', 'connect failed: i-asleep is suspended, not running. Start or resume it first.'],
    ['a port that the site does not allow', 'i-ubuntu-9af:25', 'administratively prohibited: Port 25 is not open through the gateway. Open are 22, 80, 3389;'],
    ['a port at which nobody listens', 'i-ubuntu-9af:80', 'connect failed: i-ubuntu-9af refused port 80: nothing listens there, or not yet.'],
  ])('%s', async (_, to, sentence) => {
    const before = rig.joins.length;
    const { code, err } = await rig.ssh.run([...(await key('student')), '-W', to, ...at('student1')]);
    expect(code).not.toBe(0);
    expect(err).toContain(`open failed: ${sentence}`);
    // Only the port that nobody listens at was asked of a slave.
    expect(rig.joins.length - before).toBe(to.endsWith('9af:80') ? 1 : 0);
  });

  test('a remote forward, a socket, sftp and an agent', async () => {
    const login = await key('student');
    expect((await rig.ssh.run([...login, '-N', '-R', '0:127.0.0.1:80', ...at('student1')])).err).toContain('remote port forwarding failed');
    expect((await rig.ssh.run([...login, '-N', '-R', `${rig.ssh.file('sock')}:127.0.0.1:80`, ...at('student1')])).err).toContain('remote port forwarding failed');
    expect((await rig.ssh.run([...login, '-s', ...at('student1'), 'sftp'])).err).toMatch(/subsystem request failed/);
    const { out } = await rig.ssh.run([...login, '-A', '-X', ...at('student1')]);
    expect(out).toContain('has no shell of its own');
  });
});

describe('a shell', () => {
  test('is a sentence with the machines that run, and how to reach them', async () => {
    const { code, out } = await rig.ssh.run([...(await key('student')), '-tt', ...at('student1')]);
    expect(code).toBe(0);
    expect(out).toContain('Hello student1.');
    expect(out).toContain('  ssh -J student1@lab.example:2222 student@i-ubuntu-9af\r\n');
    expect(out).toContain('ssh -N -p 2222 -L 8000:i-ubuntu-9af:80 student1@lab.example');
    expect(out).not.toContain('i-asleep');
    expect(out).not.toContain('i-teacher');
  });

  test('runs no command', async () => {
    const { code, out } = await rig.ssh.run([...(await key('student')), ...at('student1'), 'id; touch /tmp/never']);
    expect(code).toBe(1);
    expect(out).not.toContain('uid=');
  });
});

test('a client that asks for a shell and a command in one session gets the first, and harms nobody', async () => {
  const client = new Client();
  client.connect({ host: '127.0.0.1', port, username: 'student1', privateKey: await readFile(rig.ssh.file('student')) });
  await once(client, 'ready');
  const channel = await new Promise<ClientChannel>((resolve, reject) => client.shell(false, (error, opened) => (error ? reject(error) : resolve(opened))));
  // No client of ours says it so.
  const { _protocol: protocol } = client as unknown as { readonly _protocol: { exec(recipient: number, command: string, wantReply: boolean): void } };
  protocol.exec((channel as unknown as { readonly outgoing: { readonly id: number } }).outgoing.id, 'id', false);
  channel.resume();
  await once(channel, 'close');
  client.end();
  expect((await rig.ssh.run([...(await key('student')), ...at('student1')])).code).toBe(0);
});

test('a browser reaches a web server through -L', async () => {
  const web = new FarEnd((socket) => socket.once('data', () => socket.end('HTTP/1.0 200 OK\r\n\r\nhello from the guest')));
  rig.farEnds.set(80, await web.listen());
  const free = createServer().listen(0, '127.0.0.1');
  await once(free, 'listening');
  const local = (free.address() as AddressInfo).port;
  free.close();
  const tunnel = rig.ssh.start([...(await key('student')), '-N', '-L', `127.0.0.1:${local}:i-ubuntu-9af:80`, ...at('student1')]);
  try {
    const answer = await eventually('the page', () => fetch(`http://127.0.0.1:${local}/`).then((response) => response.text(), () => undefined));
    expect(answer).toBe('hello from the guest');
    // A client that goes takes its end of the guest with it.
    await eventually('the far end to be let go', () => web.sockets.size === 0);
  } finally {
    tunnel.child.kill();
    await tunnel.ended;
    web.close();
  }
});

test('who says its last word hears the answer', async () => {
  const slow = new FarEnd((socket) => {
    socket.resume();
    socket.on('end', () => undefined);
    setTimeout(() => socket.end('the answer'), 300);
  });
  rig.farEnds.set(3389, await slow.listen());
  const { code, out } = await rig.ssh.run([...(await key('student')), '-W', 'i-ubuntu-9af:3389', ...at('student1')], 'question');
  expect({ code, out }).toEqual({ code: 0, out: 'the answer' });
  slow.close();
});

test('a guest that sends for ever to a client that does not read is held back', async () => {
  const chunk = Buffer.alloc(64 * 1024);
  let sent = 0;
  const flood = new FarEnd((socket) => {
    const more = (): void => {
      while (socket.write(chunk)) sent += chunk.length;
    };
    socket.on('drain', more);
    more();
  });
  rig.farEnds.set(3389, await flood.listen());
  const started = rig.ssh.start([...(await key('student')), '-W', 'i-ubuntu-9af:3389', ...at('student1')]);
  started.child.stdout.pause();
  let last = -1;
  await eventually('the flood to stand still', async () => {
    const stands = sent === last && sent > 0;
    last = sent;
    await new Promise((resolve) => setTimeout(resolve, 500));
    return stands;
  });
  // Windows and buffers between them, and not more.
  expect(sent).toBeLessThan(32 * 1024 * 1024);
  started.child.kill();
  await started.ended;
  flood.close();
});

describe('what a connection stands on', () => {
  test('a key that is taken away ends it', async () => {
    const { student } = rig.site.people;
    const { sshPublicKeys } = (await rig.unit.read.users.find(student.id)) ?? { sshPublicKeys: [] };
    const up = await upForward();
    await endLapsed();
    expect(up.child.exitCode).toBeNull();
    await rig.unit.read.users.update(student.id, { sshPublicKeys: sshPublicKeys.slice(1) });
    await endLapsed();
    expect((await up.ended).code).toBe(255);
    await rig.unit.read.users.update(student.id, { sshPublicKeys });
  });

  test('a user who is disabled is hung up on, and is told nothing of why when they come again', async () => {
    const { student } = rig.site.people;
    const up = await upForward();
    await rig.unit.read.users.update(student.id, { disabled: true });
    await endLapsed();
    expect((await up.ended).code).toBe(255);
    expect((await rig.ssh.run([...(await key('student')), '-W', 'i-ubuntu-9af:22', ...at('student1')])).err).toContain('Permission denied');
    expect((await rig.ssh.run([...(await rig.ssh.options({ password: goodPassword })), '-W', 'i-ubuntu-9af:22', ...at('student1')])).err).toContain('Permission denied');
    await rig.unit.read.users.update(student.id, { disabled: false });
  });

  test('a machine that ends, or is somebody else\'s from now on, is let go', async () => {
    const { student, teacher } = rig.site.people;
    const up = await upForward();
    await rig.connections.run();
    expect(up.child.exitCode).toBeNull();
    await rig.unit.read.instances.change(machine.id, machine, { observed: 'suspended' });
    await rig.connections.run();
    await up.ended;
    expect(rig.connections.size).toBe(0);
    await rig.unit.read.instances.change(machine.id, { ...machine, observed: 'suspended' }, { observed: 'running' });
    const again = await upForward();
    await rig.site.database.db('instances').where({ id: machine.id }).update({ user_id: teacher.id });
    await rig.connections.run();
    await again.ended;
    await rig.site.database.db('instances').where({ id: machine.id }).update({ user_id: student.id });
  });

  test('a password does as well, until it is changed', async () => {
    const { student } = rig.site.people;
    const started = rig.ssh.start([...(await rig.ssh.options({ password: goodPassword })), '-W', 'i-ubuntu-9af:22', ...at('student1')]);
    started.child.stdin.write('here\n');
    await eventually('the far end to answer', () => started.said().out === 'here\n');
    await rig.site.send('PATCH', '/me', { as: student, body: { password: { old: goodPassword, new: 'another sparrow eats nine' } } });
    await endLapsed();
    expect((await started.ended).code).toBe(255);
  });
});

test('wrong passwords are counted with those of the portal, and an unknown user is answered like them', async () => {
  const wrong = await rig.ssh.options({ password: 'not the password' });
  const known = await rig.ssh.run([...wrong, '-W', 'i-teacher:22', ...at('teacher1')]);
  const unknown = await rig.ssh.run([...wrong, '-W', 'i-teacher:22', ...at('nobody-here')]);
  expect(known.err.replace('teacher1', '')).toBe(unknown.err.replace('nobody-here', ''));
  expect((await rig.events('user.login-failed')).map(({ sentence }) => sentence)).toEqual(expect.arrayContaining(['Login by SSH as teacher1 failed.', 'Login by SSH as nobody-here failed.']));
  for (let n = 0; n < 10; n++) await rig.site.send('POST', '/sessions', { body: { name: 'teacher1', password: 'not the password', transport: 'bearer' } });
  // Not even the right one now.
  expect((await rig.ssh.run([...(await rig.ssh.options({ password: goodPassword })), '-W', 'i-teacher:22', ...at('teacher1')])).code).toBe(255);
  // Whoever guesses passwords locks nobody's key out.
  expect((await rig.ssh.run([...(await key('teacher')), ...at('teacher1')])).code).toBe(0);
});

test('passwords that nobody can have are counted as wrong ones, and names that nobody can have for their address', async () => {
  const counted = async (): Promise<readonly (string | undefined)[]> => ((await rig.site.database.db('login_failures').pluck('user_name')) as string[]).sort();
  await rig.site.database.db('login_failures').delete();
  const short = await rig.ssh.options({ password: 'short' });
  for (let n = 0; n < 10; n++) await rig.ssh.run([...short, '-W', 'i-teacher:22', ...at('nobody-short')]);
  expect(await counted()).toEqual(Array.from({ length: 10 }, () => 'nobody-short'));
  const failed = async (): Promise<number> => (await rig.events('user.login-failed')).filter(({ sentence }) => sentence === 'Login by SSH as nobody-short failed.').length;
  expect(await failed()).toBe(10);
  // Beyond the limit nothing is looked at, and nothing written down.
  await rig.ssh.run([...short, '-W', 'i-teacher:22', ...at('nobody-short')]);
  expect(await counted()).toHaveLength(10);
  expect(await failed()).toBe(10);
  await rig.ssh.run([...short, '-W', 'i-teacher:22', ...at('1-no-name')]);
  expect(await counted()).toEqual(['-', ...Array.from({ length: 10 }, () => 'nobody-short')]);
  await rig.site.database.db('login_failures').delete();
});

describe('limits', () => {
  test('a person has so many connections at a time, and is told so on the next', async () => {
    const { port: own } = await rig.gateway({ maxPerUser: 1 });
    const first = await upForward('student1', 'student', own);
    const second = await rig.ssh.run([...(await key('student')), '-W', 'i-ubuntu-9af:22', ...at('student1', own)]);
    expect(second.err).toContain('student1 has 1 connection to this gateway, the most at a time.');
    first.child.kill();
    await first.ended;
    await (await upForward('student1', 'student', own)).child.kill();
  });

  test('a person has so many ports open at a time, whatever connections they go over', async () => {
    rig.limits.perUser = 1;
    const first = await upForward();
    const second = await rig.ssh.run([...(await key('student')), '-W', 'i-ubuntu-9af:22', ...at('student1')]);
    expect(second.err).toContain('administratively prohibited: You have 1 connections open, the most one person may have. Close one.');
    rig.limits.perUser = 20;
    first.child.kill();
    await first.ended;
  });

  test('beyond the most connections in all, who comes is told so by their client, and who is logged in stays', async () => {
    const { port: own } = await rig.gateway({ maxConnections: 1 });
    const first = await upForward('student1', 'student', own);
    const second = await rig.ssh.run([...(await key('student')), ...at('student1', own)]);
    expect(second.err).toMatch(/Received disconnect from 127\.0\.0\.1 port \d+:12: This gateway has 1 connection, the most it takes\. Try again later\./);
    expect(first.child.exitCode).toBeNull();
    first.child.kill();
    await first.ended;
  });

  test.each([
    ['say nothing', null],
    ['say what they are and nothing more', 'SSH-2.0-idle\r\n'],
  ])('210 connections that %s take nobody’s place at the same address', async (_, first) => {
    const { port: own } = await rig.gateway({ maxConnections: 500 });
    const idle = await Promise.all(Array.from({ length: 210 }, () => idler(own, first)));
    const { code, out } = await rig.ssh.run([...(await key('student')), ...at('student1', own)]);
    expect(code).toBe(0);
    expect(out).toContain('Hello student1.');
    for (const socket of idle) socket.destroy();
  });

  test('who takes their time to log in, as for a password, keeps their place while 400 more come from the same address', async () => {
    const { port: own } = await rig.gateway({ maxConnections: 500 });
    const asked: ((login: { type: 'publickey'; username: string; key: Buffer }) => void)[] = [];
    const client = new Client();
    client.connect({ host: '127.0.0.1', port: own, username: 'student1', authHandler: (_left, _partial, next) => void asked.push(next as (typeof asked)[number]) });
    const [enter] = await eventually('the login to be asked for', () => (asked.length > 0 ? asked : undefined));
    const idle: Socket[] = [];
    for (let n = 0; n < 400; n += 1) idle.push(await idler(own, 'SSH-2.0-idle\r\n'));
    enter?.({ type: 'publickey', username: 'student1', key: await readFile(rig.ssh.file('student')) });
    await once(client, 'ready');
    client.end();
    for (const socket of idle) socket.destroy();
  });

  test('130 connections that came to nothing close no address', async () => {
    const { port: own } = await rig.gateway({ maxConnections: 500 });
    for (let n = 0; n < 130; n += 1) {
      const idle = await idler(own, 'SSH-2.0-gone\r\n');
      idle.end();
      await once(idle, 'close');
    }
    expect((await rig.ssh.run([...(await key('student')), ...at('student1', own)])).code).toBe(0);
  });

  test('who has said nothing for 10 s is hung up on with a reason, and who has not logged in after 60 s', async () => {
    const clock = new HandClock();
    const { port: own } = await rig.gateway({}, clock);
    const [silent, slow] = [await idler(own, null), await idler(own, 'SSH-2.0-slow\r\n')];
    // Our own proposal of keys comes in answer to what it is.
    await once(slow, 'data');
    const heard: Buffer[] = [];
    silent.on('data', (bytes: Buffer) => heard.push(bytes));
    clock.advance(10_000);
    await once(silent, 'close');
    expect(Buffer.concat(heard).toString('latin1')).toContain('No SSH identification came within 10 s.');
    expect(slow.destroyed).toBe(false);
    clock.advance(50_000);
    await once(slow, 'close');
  });

  test('120 refused logins a minute from an address are written down one by one, and that there were more', async () => {
    for (let n = 0; n < 130; n += 1) await rig.logins.refused('student1', '192.0.2.9', 'none of 1 tries with a key was right');
    const written = (await rig.site.database.db('events').where({ kind: 'ssh.login-refused', client_address: '192.0.2.9' }).orderBy('id').select('sentence')) as { sentence: string }[];
    expect(written).toHaveLength(120);
    expect(written.filter(({ sentence }) => sentence.endsWith('It is the 120th from there within a minute; more are not written down until the minute is over.'))).toHaveLength(1);
    await rig.logins.refused('student1', '192.0.2.10', 'none of 1 tries with a key was right');
    expect((await rig.events('ssh.login-refused')).some(({ clientAddress }) => clientAddress === '192.0.2.10')).toBe(true);
  });

  test('a client that says something else than SSH is hung up on', async () => {
    const strange = connect(port, '127.0.0.1').resume();
    strange.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'.padEnd(100_000, 'x'));
    await once(strange, 'close');
  });
});

test('nothing of it was a fault of ours', () => {
  expect(rig.faults).toEqual([]);
  expect(rig.lines.filter((line) => (JSON.parse(line) as { level: number }).level >= 50)).toEqual([]);
});
