import type { Clock, EpochMs } from '@paravcl/shared/clock';
import { configSchema } from '../../src/config';
import { HousekeepingJob } from '../../src/jobs/housekeeping-job';
import { settingsFromConfig } from '../../src/settings-from-config';
import { hashPassword } from '../../src/services/password-hash';
import { goodPassword, openTestSite, type Got, type Person, type TestSite } from './test-site';

/** A clock the test moves; timers are not part of what is tested here. */
class MovedClock implements Clock {
  private offsetMs = 0;
  now(): EpochMs {
    return Date.now() + this.offsetMs;
  }
  monotonicMs(): number {
    return performance.now() + this.offsetMs;
  }
  after(delayMs: number, run: () => void): () => void {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  }
  pass(ms: number): void {
    this.offsetMs += ms;
  }
}

const clock = new MovedClock();
let site: TestSite;
let fresh = 0;
const newName = (stem: string): string => `${stem}${(fresh += 1)}`;

beforeAll(async () => {
  site = await openTestSite({ clock });
}, 60_000);
afterAll(() => site.close());
afterEach(() => expect(site.faults).toEqual([]));

const hour = 3_600_000;
const codeOf = (got: Got): unknown => got.body['code'];
const kinds = async (query: string): Promise<string[]> =>
  (await site.send<{ items: { kind: string }[] }>('GET', `/events?${query}`, { as: await site.login('admin1') })).body.items.map((event) => event.kind);

async function group(owner: Person = site.people.teacher): Promise<{ id: string; name: string }> {
  const made = await site.send<{ id: string; name: string }>('POST', '/groups', { as: owner, body: { name: newName('CL ') } });
  expect(made.status).toBe(201);
  return made.body;
}

async function enrolmentCode(groupId: string): Promise<string> {
  return (await site.send<{ enrolmentCode: string }>('POST', `/groups/${groupId}/enrolment-code`, { as: site.people.teacher })).body.enrolmentCode;
}

function register(code: string, name: string, password = goodPassword): Promise<Got> {
  return site.send('POST', '/registrations', { body: { enrolmentCode: code, name, displayName: 'Somebody', password } });
}

describe('the first administrator', () => {
  test('there is no second setup: the token is refused once there is an administrator', async () => {
    expect(await site.registrations.issueSetupToken()).toBeNull();
    const got = await site.send('POST', '/setup', { body: { token: 'pvt_whatever', name: 'eve', displayName: 'Eve', password: goodPassword } });
    expect([got.status, codeOf(got)]).toEqual([403, 'token-refused']);
  });

  test('of two who use the setup token at once one becomes administrator; a guessable password keeps it usable', async () => {
    const other = await openTestSite();
    try {
      await other.database.db('users').update({ role: 'student' });
      const issued = await other.registrations.issueSetupToken();
      const body = { token: issued?.token, displayName: 'First', password: goodPassword };
      const weak = await other.send('POST', '/setup', { body: { ...body, name: 'firstborn', password: 'firstborn1' } });
      expect(weak.body).toMatchObject({ code: 'invalid-input', field: 'password' });
      const both = await Promise.all(['one', 'two'].map((name) => other.send('POST', '/setup', { body: { ...body, name } })));
      expect(both.map((got) => got.status).sort()).toEqual([201, 403]);
      expect(await other.database.db('users').where('role', 'admin')).toHaveLength(1);
    } finally {
      await other.close();
    }
  }, 60_000);

  test('an expired setup token is refused', async () => {
    const moved = new MovedClock();
    const other = await openTestSite({ clock: moved });
    try {
      await other.database.db('users').update({ role: 'student' });
      const issued = await other.registrations.issueSetupToken();
      moved.pass(25 * hour);
      const got = await other.send('POST', '/setup', { body: { token: issued?.token, name: 'late', displayName: 'Late', password: goodPassword } });
      expect(codeOf(got)).toBe('token-refused');
    } finally {
      await other.close();
    }
  }, 60_000);
});

describe('self-registration', () => {
  test('the code of a group lets a student in, into that group', async () => {
    const { id } = await group();
    const code = await enrolmentCode(id);
    const got = await register(code.toLowerCase().replaceAll('-', ' '), newName('stud'));
    expect(got.status).toBe(201);
    expect(got.body).toMatchObject({ role: 'student', primaryGroupId: id, groupIds: [id], disabled: false });
    const me = await site.send<{ groups: { id: string; hasEnrolmentCode: boolean; members: number }[] }>('GET', '/me', { as: await site.login(String(got.body['name'])) });
    expect(me.body.groups).toMatchObject([{ id, hasEnrolmentCode: true, members: 1 }]);
  });

  test('a rotated, ended or invented code is refused, and nobody is made', async () => {
    const { id } = await group();
    const old = await enrolmentCode(id);
    const present = await enrolmentCode(id);
    const name = newName('stud');
    expect(codeOf(await register(old, name))).toBe('token-refused');
    await site.send('DELETE', `/groups/${id}/enrolment-code`, { as: site.people.teacher });
    const got = await register(present, name);
    expect(got.body).toMatchObject({ code: 'token-refused', field: 'enrolmentCode' });
    expect(await site.database.db('users').where('name', name)).toHaveLength(0);
  });

  test('a taken name and a guessable password are named, and the code stays good', async () => {
    const { id } = await group();
    const code = await enrolmentCode(id);
    expect((await register(code, 'student1')).body).toMatchObject({ code: 'already-exists', field: 'name' });
    expect((await register(code, 'margarete', 'margarete1')).body).toMatchObject({ code: 'invalid-input', field: 'password' });
    expect((await register(code, newName('stud'))).status).toBe(201);
  });

  test('of two who take one name at once one gets it, and no fault comes of it', async () => {
    const code = await enrolmentCode((await group()).id);
    const name = newName('twin');
    const both = await Promise.all([register(code, name), register(code, name)]);
    expect(both.map((got) => got.status).sort()).toEqual([201, 409]);
  });
});

describe('sessions', () => {
  test('a browser gets its token in a cookie that only the browser sees, a program in the body', async () => {
    const browser = await site.send('POST', '/sessions', { body: { name: 'student1', password: goodPassword } });
    expect(browser.body['token']).toBeNull();
    const cookie = browser.headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(/^__Host-paravcl=pvs_[\w-]{43}; Path=\/; Secure; HttpOnly; SameSite=Lax; Max-Age=\d+$/);
    const sent = { cookie: cookie.split(';')[0] ?? '' };
    expect((await site.send('GET', '/me', { headers: sent })).status).toBe(200);
    expect(codeOf(await site.send('PATCH', '/me', { headers: sent, body: {} }))).toBe('bad-origin');
    expect(codeOf(await site.send('PATCH', '/me', { headers: { ...sent, origin: 'https://evil.example' }, body: {} }))).toBe('bad-origin');
    expect((await site.send('PATCH', '/me', { headers: { ...sent, 'sec-fetch-site': 'same-origin' }, body: {} })).status).toBe(200);
    const program = await site.send('POST', '/sessions', { body: { name: 'student1', password: goodPassword, transport: 'bearer' } });
    expect(program.headers.get('set-cookie')).toBeNull();
    expect(program.body['token']).toMatch(/^pvs_/);
    const stored = JSON.stringify(await site.database.db('sessions').select('*'));
    expect(stored).not.toContain(String(program.body['token']));
  });

  test('every login makes a new token, and replaces the one the client came with', async () => {
    const first = await site.login('student1');
    const again = await site.send<{ token: string }>('POST', '/sessions', { as: first, body: { name: 'student1', password: goodPassword, transport: 'bearer' } });
    expect(again.body.token).not.toBe(first.token);
    expect((await site.send('GET', '/me', { as: first })).status).toBe(401);
    expect((await site.send('GET', '/me', { as: { ...first, token: again.body.token } })).status).toBe(200);
  });

  test('logging out ends the session at once', async () => {
    const person = await site.login('student1');
    expect((await site.send('DELETE', '/sessions/current', { as: person })).status).toBe(204);
    expect((await site.send('GET', '/me', { as: person })).status).toBe(401);
  });

  test('a session ends when idle for eight hours, and after a day however busy', async () => {
    const idle = await site.login('student1');
    clock.pass(8 * hour + 1000);
    expect((await site.send('GET', '/me', { as: idle })).status).toBe(401);
    const busy = await site.login('student1');
    for (let n = 0; n < 3; n += 1) {
      clock.pass(7 * hour);
      expect((await site.send('GET', '/me', { as: busy })).status).toBe(200);
    }
    clock.pass(3 * hour + 1000);
    expect((await site.send('GET', '/me', { as: busy })).status).toBe(401);
    await new HousekeepingJob(site.database.unit, clock, settingsFromConfig(configSchema.parse({})).housekeeping).run((error) => { throw error; });
    expect(await site.database.db('sessions').where('user_id', busy.id)).toHaveLength(0);
    for (const role of ['student', 'teacher', 'operator', 'admin'] as const) Object.assign(site.people, { [role]: await site.login(`${role}1`) });
  });

  test('an unknown user and a wrong password are answered alike, word by word', async () => {
    const answers = await Promise.all(
      ['student1', 'nobody-at-all'].map((name) => site.send('POST', '/sessions', { body: { name, password: 'wrong wrong wrong' } })),
    );
    const [known, unknown] = answers.map(({ status, body }) => ({ status, ...body, trace: '' }));
    expect(known).toEqual(unknown);
    expect(known).toMatchObject({ status: 401, code: 'wrong-credentials' });
    expect(await kinds('kind=user.login-failed')).toContain('user.login-failed');
  });

  test('ten failures close a name for a quarter of an hour, for right and wrong passwords and for nobody alike', async () => {
    const victim = (await site.person(newName('victim'), 'student')).name;
    const ghost = newName('ghost');
    for (const name of [victim, ghost]) {
      const tries = await Promise.all(Array.from({ length: 14 }, () => site.send('POST', '/sessions', { body: { name, password: 'wrong wrong wrong' } })));
      const failed = tries.filter((got) => got.status === 401).length;
      // Two are hashed at a time, so one more than ten may have been on its way.
      expect(failed).toBeGreaterThanOrEqual(10);
      expect(failed).toBeLessThanOrEqual(11);
      expect(tries.filter((got) => got.status === 429)).toHaveLength(14 - failed);
    }
    const closed = await Promise.all([
      site.send('POST', '/sessions', { body: { name: victim, password: goodPassword } }),
      site.send('POST', '/sessions', { body: { name: victim, password: 'wrong wrong wrong' } }),
      site.send('POST', '/sessions', { body: { name: ghost, password: 'wrong wrong wrong' } }),
    ]);
    for (const got of closed) {
      expect(got.body).toMatchObject({ code: 'rate-limited' });
      expect(Number(got.headers.get('retry-after'))).toBe(got.body['retryAfterSeconds']);
      expect(got.body['retryAfterSeconds']).toBeGreaterThan(800);
    }
    clock.pass(15 * 60_000 + 1000);
    expect((await site.login(victim)).token).toMatch(/^pvs_/);
  });

  test('300 failures a minute close an address, whatever the names and secrets, and the next minute opens it', async () => {
    const now = new Date(clock.now());
    await site.database.db('login_failures').insert(
      Array.from({ length: 300 }, (_, n) => ({ id: `x${n}`, user_name: `u${n}`, client_address: '127.0.0.1', at: now })),
    );
    expect(codeOf(await site.send('POST', '/sessions', { body: { name: 'student1', password: goodPassword } }))).toBe('rate-limited');
    expect(codeOf(await register('AAAA-BBBB-CCCC', newName('stud')))).toBe('rate-limited');
    clock.pass(61_000);
    expect((await site.login('student1')).token).toMatch(/^pvs_/);
  });

  test('a hash made at another cost is made anew at the next login, and the old one still opens', async () => {
    await site.database.db('users').where('name', 'student1').update({ password_hash: await hashPassword(goodPassword, { ln: 3, r: 8, p: 1 }) });
    await site.login('student1');
    const row = (await site.database.db('users').where('name', 'student1').first('password_hash')) as { password_hash: string };
    expect(row.password_hash).toMatch(/^\$scrypt\$ln=4,/);
    await site.login('student1');
  });
});

describe('one’s own account', () => {
  test('a new password needs the old one, ends the other sessions and keeps this one', async () => {
    const here = await site.person(newName('own'), 'student');
    const there = await site.login(here.name);
    const wrong = await site.send('PATCH', '/me', { as: here, body: { password: { old: 'not this one', new: 'seven green bicycles' } } });
    expect(wrong.body).toMatchObject({ code: 'wrong-credentials', field: 'password.old' });
    const weak = await site.send('PATCH', '/me', { as: here, body: { password: { old: goodPassword, new: 'password123' } } });
    expect(weak.body).toMatchObject({ code: 'invalid-input', field: 'password.new' });
    const got = await site.send('PATCH', '/me', { as: here, body: { displayName: 'Ann “Annie” O’Hara', password: { old: goodPassword, new: 'seven green bicycles' } } });
    expect(got.body).toMatchObject({ displayName: 'Ann “Annie” O’Hara' });
    expect((await site.send('GET', '/me', { as: here })).status).toBe(200);
    expect((await site.send('GET', '/me', { as: there })).status).toBe(401);
    await site.login(here.name, 'seven green bicycles');
  });

  test('several SSH keys are kept as they are, anything else is refused', async () => {
    const keys = ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE0123456789abcdefghijklmnopqrstuvwxyzABCDEF ann@pc "x"'];
    expect((await site.send('PATCH', '/me', { as: site.people.student, body: { sshPublicKeys: keys } })).body['sshPublicKeys']).toEqual(keys);
    const got = await site.send('PATCH', '/me', { as: site.people.student, body: { sshPublicKeys: ['command="rm" ssh-rsa AAAA'] } });
    expect(got.body).toMatchObject({ code: 'invalid-input', field: 'sshPublicKeys.0' });
  });
});

describe('users', () => {
  test('an administrator makes a user without ever knowing the password; the token works once', async () => {
    const name = newName('made');
    const made = await site.send<{ user: { id: string }; password: { token: string } }>('POST', '/users', { as: site.people.admin, body: { name, displayName: 'Made' } });
    expect(made.status).toBe(201);
    expect(codeOf(await site.send('POST', '/sessions', { body: { name, password: goodPassword } }))).toBe('wrong-credentials');
    const set = () => site.send('POST', '/passwords', { body: { token: made.body.password.token, password: goodPassword } });
    expect((await set()).status).toBe(204);
    expect(codeOf(await set())).toBe('token-refused');
    await site.login(name);
  });

  test('a password token ends all sessions when it is used, and earlier tokens when it is made', async () => {
    const person = await site.person(newName('forgot'), 'student');
    const token = async (): Promise<string> =>
      (await site.send<{ token: string }>('POST', `/users/${person.id}/password-token`, { as: site.people.admin })).body.token;
    const [early, late] = [await token(), await token()];
    const set = (given: string) => site.send('POST', '/passwords', { body: { token: given, password: 'seven green bicycles' } });
    expect(codeOf(await set(early))).toBe('token-refused');
    expect((await site.send('GET', '/me', { as: person })).status).toBe(200);
    expect((await set(late)).status).toBe(204);
    expect((await site.send('GET', '/me', { as: person })).status).toBe(401);
  });

  test('a disabled user is out at once, cannot come back, and learns why only with the right password', async () => {
    const person = await site.person(newName('out'), 'student');
    await site.send('PATCH', `/users/${person.id}`, { as: site.people.admin, body: { disabled: true } });
    expect((await site.send('GET', '/me', { as: person })).status).toBe(401);
    expect(codeOf(await site.send('POST', '/sessions', { body: { name: person.name, password: goodPassword } }))).toBe('forbidden');
    expect(codeOf(await site.send('POST', '/sessions', { body: { name: person.name, password: 'wrong wrong wrong' } }))).toBe('wrong-credentials');
    await site.send('PATCH', `/users/${person.id}`, { as: site.people.admin, body: { disabled: false } });
    await site.login(person.name);
  });

  test('a new role holds from the next request on', async () => {
    const person = await site.person(newName('rise'), 'student');
    expect((await site.send('GET', '/events', { as: person })).status).toBe(403);
    await site.send('PUT', `/users/${person.id}/role`, { as: site.people.admin, body: { role: 'operator' } });
    expect((await site.send('GET', '/events', { as: person })).status).toBe(200);
  });

  test('the last administrator cannot be disabled or demoted, not even by two at once', async () => {
    const { admin } = site.people;
    const demote = (id: string, as: Person) => site.send('PUT', `/users/${id}/role`, { as, body: { role: 'student' } });
    expect(codeOf(await demote(admin.id, admin))).toBe('conflict');
    expect(codeOf(await site.send('PATCH', `/users/${admin.id}`, { as: admin, body: { disabled: true } }))).toBe('conflict');
    const second = await site.person(newName('second'), 'admin');
    const both = await Promise.all([demote(admin.id, second), demote(second.id, admin)]);
    expect(both.filter((got) => got.status === 200)).toHaveLength(1);
    const left = await site.database.db('users').where({ role: 'admin', disabled: 0 });
    expect(left).toHaveLength(1);
    await site.database.db('users').where('id', second.id).update({ role: 'student' });
    await site.database.db('users').where('id', admin.id).update({ role: 'admin' });
  });

  test('a student sees and edits nobody else: other people do not even exist', async () => {
    const other = await site.person(newName('other'), 'student');
    for (const [method, path, body] of [
      ['GET', `/users/${other.id}`, undefined],
      ['PATCH', `/users/${other.id}`, { displayName: 'Mine now' }],
      ['POST', `/users/${other.id}/password-token`, undefined],
    ] as const) {
      expect((await site.send(method, path, { as: site.people.student, body })).status).toBe(404);
    }
    const self = await site.send('PATCH', `/users/${site.people.student.id}`, { as: site.people.student, body: { disabled: false } });
    expect(self.body).toMatchObject({ code: 'forbidden', field: 'disabled' });
    expect(codeOf(await site.send('POST', `/users/${site.people.student.id}/password-token`, { as: site.people.student }))).toBe('forbidden');
  });

  test('a teacher looks after the students of the own group, and taking somebody in hands no account over', async () => {
    const { teacher } = site.people;
    const { id } = await group();
    const mine = await site.person(newName('mine'), 'student', id);
    const guest = await site.person(newName('guest'), 'student');
    const colleague = await site.person(newName('colleague'), 'teacher', id);
    await site.send('POST', `/groups/${id}/members`, { as: teacher, body: { userName: guest.name } });
    const status = async (person: Person, method: string, path = '', body?: unknown) => (await site.send(method, `/users/${person.id}${path}`, { as: teacher, body })).status;
    expect(await status(mine, 'PATCH', '', { displayName: 'Renamed' })).toBe(200);
    expect(await status(mine, 'POST', '/password-token')).toBe(201);
    expect(await status(mine, 'PUT', '/role', { role: 'admin' })).toBe(403);
    expect(await status(mine, 'PATCH', '', { primaryGroupId: null })).toBe(403);
    expect(await status(guest, 'GET')).toBe(200);
    expect(await status(guest, 'POST', '/password-token')).toBe(403);
    expect(await status(colleague, 'POST', '/password-token')).toBe(403);
    expect(await status(site.people.admin, 'GET')).toBe(404);
    const listed = await site.send<{ items: { id: string }[] }>('GET', '/users?limit=200', { as: teacher });
    const ids = listed.body.items.map((user) => user.id);
    expect(ids).toEqual(expect.arrayContaining([mine.id, guest.id, colleague.id]));
    expect(ids).not.toContain(site.people.operator.id);
  });

  test('pages go on where they ended, and a filter finds wildcards literally', async () => {
    const first = await site.send<{ items: { id: string }[]; next: string }>('GET', '/users?limit=2', { as: site.people.admin });
    const second = await site.send<{ items: { id: string }[] }>('GET', `/users?limit=2&cursor=${first.body.next}`, { as: site.people.admin });
    expect(first.body.items).toHaveLength(2);
    expect(second.body.items.map((user) => user.id)).not.toEqual(expect.arrayContaining(first.body.items.map((user) => user.id)));
    expect((await site.send<{ items: unknown[] }>('GET', '/users?name=%25', { as: site.people.admin })).body.items).toEqual([]);
    expect((await site.send('GET', '/users?cursor=hello', { as: site.people.admin })).body).toMatchObject({ code: 'invalid-input', field: 'cursor' });
  });
});

describe('groups', () => {
  test('a teacher owns what they make; another teacher cannot see or touch it; members see it, and only that', async () => {
    const { id } = await group();
    const other = await site.person(newName('teach'), 'teacher');
    const member = await site.person(newName('memb'), 'student', id);
    for (const [method, path, body] of [
      ['GET', '', undefined],
      ['PATCH', '', { name: 'Mine' }],
      ['DELETE', '', undefined],
      ['GET', '/members', undefined],
      ['POST', '/members', { userName: 'student1' }],
      ['POST', '/enrolment-code', undefined],
    ] as const) {
      expect((await site.send(method, `/groups/${id}${path}`, { as: other, body })).status).toBe(404);
    }
    expect((await site.send('GET', `/groups/${id}`, { as: member })).status).toBe(200);
    expect((await site.send('GET', `/groups/${id}/members`, { as: member })).status).toBe(403);
    expect((await site.send('PATCH', `/groups/${id}`, { as: member, body: { name: 'x' } })).status).toBe(403);
    const seen = await site.send<{ items: { id: string }[] }>('GET', '/groups', { as: member });
    expect(seen.body.items.map((one) => one.id)).toEqual([id]);
  });

  test('members come and go; going takes the primary group along', async () => {
    const { id } = await group();
    const person = await site.person(newName('memb'), 'student', id);
    const add = () => site.send('POST', `/groups/${id}/members`, { as: site.people.teacher, body: { userName: 'student1' } });
    expect([(await add()).status, (await add()).status]).toEqual([201, 201]);
    const listed = await site.send<{ items: { name: string }[] }>('GET', `/groups/${id}/members`, { as: site.people.teacher });
    expect(listed.body.items.map((user) => user.name).sort()).toEqual([person.name, 'student1'].sort());
    expect((await site.send('DELETE', `/groups/${id}/members/${person.id}`, { as: site.people.teacher })).status).toBe(204);
    expect((await site.send('DELETE', `/groups/${id}/members/${person.id}`, { as: site.people.teacher })).status).toBe(404);
    expect((await site.send('GET', '/me', { as: person })).body['user']).toMatchObject({ primaryGroupId: null, groupIds: [] });
    expect((await site.send('POST', `/groups/${id}/members`, { as: site.people.teacher, body: { userName: 'nobody-here' } })).body).toMatchObject({ code: 'not-found', field: 'userName' });
  });

  test('a group in use is not deleted, and the answer says what uses it', async () => {
    const { id } = await group();
    const at = new Date();
    await site.database.db('images').insert({
      id: 'img', friendly_id: 'EMI-X-1', kind: 'disk', name: 'X', description: '', format: 'raw', size_bytes: 1, sha256: 'a'.repeat(64), state: 'ready',
      kernel_arguments: '', platform_value: 1, owner_group_id: id, created_by_user_id: site.people.admin.id, created_at: at,
    });
    await site.database.db('instances').insert({
      id: 'ins', name: 'i-x-1', type: 'BE', user_id: site.people.student.id, group_id: id, image_id: 'img', kernel_arguments: '', vcpus: 1, ram_mib: 64, disk_mib: 1,
      ssh_public_keys: '[]', desired: 'running', observed: 'running', generation: 1, created_at: at, changed_at: at,
    });
    const refused = await site.send('DELETE', `/groups/${id}`, { as: site.people.teacher });
    expect(refused.body).toMatchObject({ code: 'in-use' });
    expect(refused.body['detail']).toMatch(/1 instance belongs.*1 image/);
    await site.database.db('instances').where('id', 'ins').update({ deleted_at: at });
    await site.database.db('images').where('id', 'img').delete();
    expect((await site.send('DELETE', `/groups/${id}`, { as: site.people.teacher })).status).toBe(204);
    expect((await site.send('GET', `/groups/${id}`, { as: site.people.admin })).status).toBe(404);
  });

  test('only administrators give groups to others, and only to people who can own one', async () => {
    const { id } = await group();
    const body = (ownerUserId: string | null) => ({ ownerUserId });
    const { admin, teacher, student } = site.people;
    expect((await site.send('PATCH', `/groups/${id}`, { as: teacher, body: body(admin.id) })).body).toMatchObject({ code: 'forbidden', field: 'ownerUserId' });
    expect((await site.send('PATCH', `/groups/${id}`, { as: admin, body: body(student.id) })).body).toMatchObject({ code: 'conflict', field: 'ownerUserId' });
    expect((await site.send('PATCH', `/groups/${id}`, { as: admin, body: body(null) })).body).toMatchObject({ ownerUserId: null });
    expect((await site.send('GET', `/groups/${id}`, { as: teacher })).status).toBe(404);
  });

  test('a taken name is said to be taken', async () => {
    const { name } = await group();
    expect((await site.send('POST', '/groups', { as: site.people.teacher, body: { name } })).body).toMatchObject({ code: 'already-exists', field: 'name' });
  });
});

describe('repeated requests', () => {
  test('a repeated POST is done once and answered alike, and the secret in its answer is not readable in the database', async () => {
    const { id } = await group();
    const send = () => site.send<{ enrolmentCode: string }>('POST', `/groups/${id}/enrolment-code`, { as: site.people.teacher, headers: { 'idempotency-key': 'key-1' } });
    const [first, again] = [await send(), await send()];
    expect(again.body).toEqual(first.body);
    expect(JSON.stringify(await site.database.db('idempotency_keys').select('*'))).not.toContain(first.body.enrolmentCode);
  });

  test('of many at once one is done', async () => {
    const name = newName('once ');
    const sent = await Promise.all(
      Array.from({ length: 8 }, () => site.send('POST', '/groups', { as: site.people.teacher, body: { name }, headers: { 'idempotency-key': 'key-2' } })),
    );
    for (const got of sent) expect([201, 409]).toContain(got.status);
    expect(sent.some((got) => got.status === 201)).toBe(true);
    expect(sent.filter((got) => got.status === 409).every((got) => codeOf(got) === 'conflict')).toBe(true);
    expect(await site.database.db('user_groups').where('name', name)).toHaveLength(1);
  });

  test('a key whose first request died with the master is given back', async () => {
    const send = () => site.send('POST', '/groups', { as: site.people.teacher, body: { name: newName('died ') }, headers: { 'idempotency-key': `key-3` } });
    expect((await send()).status).toBe(201);
    expect(codeOf(await send())).toBe('idempotency-mismatch');
    const name = newName('crashed ');
    const again = () => site.send('POST', '/groups', { as: site.people.teacher, body: { name }, headers: { 'idempotency-key': 'key-4' } });
    expect((await again()).status).toBe(201);
    // As a killed master leaves it: begun, nothing done, not answered.
    await site.database.db('idempotency_keys').update({ status: null, response: null });
    await site.database.db('user_groups').where('name', name).delete();
    expect((await again()).status).toBe(201);
  });
});

test('events tell who did what, filtered by beginning of kind, subject, actor and time', async () => {
  const since = new Date(clock.now()).toISOString();
  const { id } = await group();
  expect(await kinds(`subjectId=${id}`)).toEqual(['group.created']);
  expect(await kinds(`kind=group.&actorUserId=${site.people.teacher.id}&since=${since}`)).toEqual(['group.created']);
  expect(await kinds(`kind=group.&until=1999-01-01T00:00:00Z`)).toEqual([]);
  expect((await site.send('GET', '/events', { as: site.people.teacher })).status).toBe(403);
});

test('the document and the page describe every route, and load nothing from elsewhere', async () => {
  const document = await site.send<{ openapi: string; paths: object }>('GET', '/openapi.json');
  expect(document.body.openapi).toBe('3.1.0');
  for (const { contract } of site.routes) expect(Object.keys(document.body.paths)).toContain(contract.path.replace(/:(\w+)/g, '{$1}'));
  const page = await site.send<string>('GET', '/docs');
  expect(page.body).not.toMatch(/<script|https?:/);
  expect((await site.send('GET', '/docs.css')).headers.get('content-type')).toContain('text/css');
});
