import type { Roster } from '@paravcl/shared/api/roster';
import { goodPassword, openTestSite, type Got, type Person, type TestSite } from './test-site';

let site: TestSite;
let fresh = 0;
const newName = (stem: string): string => `${stem}${(fresh += 1)}`;

beforeAll(async () => {
  site = await openTestSite();
}, 60_000);
afterAll(() => site.close());
afterEach(() => expect(site.faults).toEqual([]));

interface Course {
  readonly id: string;
  readonly name: string;
}

async function course(owner: Person = site.people.teacher): Promise<Course> {
  const made = await site.send<{ id: string; name: string }>('POST', '/groups', { as: owner, body: { name: newName('CL ') } });
  expect(made.status).toBe(201);
  return made.body;
}

/** Somebody with an account and in no group. */
async function student(stem: string): Promise<string> {
  const name = newName(stem);
  const made = await site.send('POST', '/users', { as: site.people.admin, body: { name, displayName: `The ${name}`, mail: `${name}@example.edu` } });
  expect(made.status).toBe(201);
  return name;
}

const send = (as: Person, { id }: Course, lines: readonly string[], apply: boolean): Promise<Got<Roster>> => site.send<Roster>('POST', `/groups/${id}/roster`, { as, body: { csv: lines.join('\r\n'), apply } });
const look = (as: Person, group: Course, ...lines: readonly string[]): Promise<Got<Roster>> => send(as, group, lines, false);
const apply = (as: Person, group: Course, ...lines: readonly string[]): Promise<Got<Roster>> => send(as, group, lines, true);
const outcomes = ({ body }: Got<Roster>): readonly string[] => body.lines.map(({ outcome }) => outcome);
const userRows = (name: string): Promise<readonly unknown[]> => site.database.db('users').where('name', name).then((rows: unknown[]) => rows);

async function members({ id }: Course): Promise<readonly string[]> {
  const page = await site.send<{ items: { name: string }[] }>('GET', `/groups/${id}/members`, { as: site.people.admin });
  return page.body.items.map(({ name }) => name).sort();
}

/** What was written down of the group since it was made, oldest first. */
async function events({ id }: Course): Promise<readonly { readonly kind: string; readonly sentence: string }[]> {
  const page = await site.send<{ items: { kind: string; sentence: string }[] }>('GET', `/events?subjectId=${id}`, { as: site.people.admin });
  return page.body.items.filter(({ kind }) => kind !== 'group.created').reverse();
}

describe('a teacher', () => {
  test('looks at a list first, which changes nothing; applied, it adds who has an account, with an event each and one of the list', async () => {
    const group = await course();
    const [anna, bela] = [await student('anna'), await student('bela')];
    const looked = await look(site.people.teacher, group, 'login;name', anna, `${bela.toUpperCase()};Bela`);
    expect(looked).toMatchObject({ status: 200, body: { applied: false, counts: { lines: 2, newUsers: 0, added: 2, alreadyMembers: 0, faults: 0 } } });
    expect(looked.body.lines[0]).toMatchObject({ line: 2, name: anna, outcome: 'added', sentence: `${anna} is added to ${group.name}.`, password: null });
    expect([await members(group), await events(group)]).toEqual([[], []]);

    const applied = await apply(site.people.teacher, group, 'login;name', anna, `${bela.toUpperCase()};Bela`);
    expect(applied).toMatchObject({ status: 200, body: { applied: true, counts: { added: 2 } } });
    expect(await members(group)).toEqual([anna, bela].sort());
    expect(await events(group)).toMatchObject([
      { kind: 'group.member-added', sentence: `${anna} was added to ${group.name}.` },
      { kind: 'group.member-added', sentence: `${bela} was added to ${group.name}.` },
      { kind: 'group.roster-applied', sentence: `A list of 2 lines was applied to ${group.name}: 0 accounts made, 2 added who had one, 0 in it already.` },
    ]);
  });

  test('is told whose account does not exist, and the way in; nobody is made', async () => {
    const group = await course();
    const anna = await student('anna');
    const nobody = newName('nobody');
    const looked = await look(site.people.teacher, group, anna, `${nobody},Nobody,nobody@example.edu`);
    expect(outcomes(looked)).toEqual(['added', 'fault']);
    expect(looked.body.lines[1]).toMatchObject({ name: nobody, displayName: 'Nobody', sentence: expect.stringContaining(`registers with the enrolment code of ${group.name}`) as string });
    const applied = await apply(site.people.teacher, group, anna, nobody);
    expect(applied).toMatchObject({ status: 409, body: { code: 'conflict', field: 'csv' } });
    expect([await members(group), await userRows(nobody)]).toEqual([[], []]);
  });

  test('learns name and mail address of nobody who is not in a group of theirs', async () => {
    const group = await course();
    const anna = await student('anna');
    expect((await look(site.people.teacher, group, anna)).body.lines[0]).toMatchObject({ displayName: null, mail: null });
    expect((await look(site.people.admin, group, anna)).body.lines[0]).toMatchObject({ displayName: `The ${anna}`, mail: `${anna}@example.edu` });
    await apply(site.people.teacher, group, anna);
    expect((await look(site.people.teacher, group, `${anna},Another`)).body.lines[0]).toMatchObject({ displayName: `The ${anna}`, outcome: 'already-member' });
  });

  test('does nothing with the group of another: 404 to who is not in it, 403 to its members, and not even a look', async () => {
    const group = await course(site.people.admin);
    const anna = await student('anna');
    for (const ask of [look, apply]) expect((await ask(site.people.teacher, group, anna)).status).toBe(404);
    await site.send('POST', `/groups/${group.id}/members`, { as: site.people.admin, body: { userName: site.people.teacher.name } });
    for (const ask of [look, apply]) expect((await ask(site.people.teacher, group, anna)).status).toBe(403);
    expect(await members(group)).toEqual([site.people.teacher.name]);
  });
});

test('students and operators have no lists, in their own group either', async () => {
  const group = await course();
  for (const person of [site.people.student, site.people.operator]) {
    await site.send('POST', `/groups/${group.id}/members`, { as: site.people.teacher, body: { userName: person.name } });
    expect((await look(person, group, 'anna')).status).toBe(403);
  }
  expect((await site.send('POST', `/groups/${group.id}/roster`, { body: { csv: 'anna', apply: false } })).status).toBe(401);
});

describe('an administrator', () => {
  test('makes accounts with it, as students of the group, each with a token that sets a password', async () => {
    const group = await course();
    const [anna, cyra, dora] = [await student('anna'), newName('cyra'), newName('dora')];
    const list = ['Benutzername,Name,E-Mail', `${cyra},"Čapek, ""Cy""",${cyra}@example.edu`, anna, dora];
    expect((await look(site.people.admin, group, ...list)).body).toMatchObject({ counts: { newUsers: 2, added: 1, faults: 0 }, lines: [{ outcome: 'new-user', password: null }, {}, {}] });
    expect(await userRows(cyra)).toEqual([]);

    const applied = await apply(site.people.admin, group, ...list);
    expect(outcomes(applied)).toEqual(['new-user', 'added', 'new-user']);
    const [first, second, third] = applied.body.lines;
    expect(second?.password).toBeNull();
    expect(first?.password?.token).not.toBe(third?.password?.token);
    for (const line of [first, third]) {
      expect((await site.send('POST', '/passwords', { body: { token: line?.password?.token, password: goodPassword } })).status).toBe(204);
      const person = await site.login(line?.name ?? '');
      const me = await site.send<{ user: unknown }>('GET', '/me', { as: person });
      expect(me.body.user).toMatchObject({ role: 'student', primaryGroupId: group.id, groupIds: [group.id], ...(line === first ? { displayName: 'Čapek, "Cy"', mail: `${cyra}@example.edu` } : { displayName: dora, mail: null }) });
    }
    expect((await events(group)).map(({ kind }) => kind)).toEqual(['group.member-added', 'group.member-added', 'group.member-added', 'group.roster-applied']);
    const made = await site.send<{ items: { subject: { id: string } }[] }>('GET', '/events?kind=user.created', { as: site.people.admin });
    const ids = (await site.database.db('users').whereIn('name', [cyra, dora]).pluck('id')) as string[];
    expect(made.body.items.map(({ subject }) => subject.id)).toEqual(expect.arrayContaining(ids));
  });

  test('applies the same list twice and changes nothing the second time', async () => {
    const group = await course();
    const list = [await student('anna'), newName('cyra')];
    await apply(site.people.admin, group, ...list);
    const before = await events(group);
    const again = await apply(site.people.admin, group, ...list);
    expect(again).toMatchObject({ status: 200, body: { applied: true, counts: { lines: 2, newUsers: 0, added: 0, alreadyMembers: 2, faults: 0 } } });
    expect(again.body.lines.map(({ password }) => password)).toEqual([null, null]);
    expect(await events(group)).toEqual(before);
  });

  test('who sends the same request again after a lost answer is given the same tokens', async () => {
    const group = await course();
    const ask = (): Promise<Got<Roster>> => site.send<Roster>('POST', `/groups/${group.id}/roster`, { as: site.people.admin, body: { csv: `cyra${group.id.slice(-8)}`, apply: true }, headers: { 'idempotency-key': group.id } });
    const [first, second] = [await ask(), await ask()];
    expect(first.body.counts.newUsers).toBe(1);
    expect(second.body).toEqual(first.body);
  });

  test('is refused the whole list for one line, which is named; every fault is shown before', async () => {
    const group = await course();
    const [anna, locked, cyra] = [await student('anna'), await student('locked'), newName('cyra')];
    const { id } = (await site.database.db('users').where('name', locked).first('id')) as { id: string };
    await site.send('PATCH', `/users/${id}`, { as: site.people.admin, body: { disabled: true } });
    const list = [anna, cyra, '9lives', `${cyra}x,Cyra,nowhere`, anna, locked];
    const looked = await look(site.people.admin, group, ...list);
    expect(outcomes(looked)).toEqual(['added', 'new-user', 'fault', 'fault', 'fault', 'fault']);
    expect(looked.body.lines.slice(2).map(({ line, sentence }) => [line, sentence])).toEqual([
      [3, '"9lives" is no user name: starts with a letter; letters, digits, dot, hyphen, underscore.'],
      [4, '"nowhere" is no mail address of at most 254 characters, such as alice@example.edu.'],
      [5, `${anna} stands in line 1 already. Leave one of the two out.`],
      [6, `The account ${locked} is locked. Have an administrator unlock it, or leave the line out.`],
    ]);
    expect(looked.body.counts).toEqual({ lines: 6, newUsers: 1, added: 1, alreadyMembers: 0, faults: 4 });

    const refused = await site.send('POST', `/groups/${group.id}/roster`, { as: site.people.admin, body: { csv: list.join('\n'), apply: true } });
    expect(refused).toMatchObject({ status: 409, body: { detail: 'Nothing was changed: 4 of 6 lines have a fault. The first is line 3: "9lives" is no user name: starts with a letter; letters, digits, dot, hyphen, underscore.' } });
    expect([await members(group), await userRows(cyra), await events(group)]).toEqual([[], [], []]);
  });

  test('of two lists with the same new person at once one makes the account, and neither is applied by half', async () => {
    const groups = [await course(), await course()];
    const [name, others] = [newName('twin'), [newName('one'), newName('two')]];
    const got = await Promise.all(groups.map((group, at) => apply(site.people.admin, group, others[at] ?? '', name)));
    expect(await userRows(name)).toHaveLength(1);
    for (const [at, { status }] of got.entries()) {
      expect([200, 409]).toContain(status);
      expect((await members(groups[at] as Course)).length).toBe(status === 200 ? 2 : 0);
      expect(await userRows(others[at] ?? '')).toHaveLength(status === 200 ? 1 : 0);
    }
    expect(got.some(({ status }) => status === 200)).toBe(true);
  });

  test('brings in a thousand people with one list; one more, and it says where to cut', async () => {
    const group = await course();
    const names = Array.from({ length: 1000 }, (_, at) => `mass${at}`);
    const applied = await apply(site.people.admin, group, ...names);
    expect(applied).toMatchObject({ status: 200, body: { counts: { newUsers: 1000, faults: 0 } } });
    expect(new Set(applied.body.lines.map(({ password }) => password?.token)).size).toBe(1000);
    const more = await apply(site.people.admin, group, ...names, 'one-more');
    expect(more).toMatchObject({ status: 409, body: { detail: expect.stringContaining('line 1001: The list has 1001 people, and one list takes 1000.') as string } });
  }, 120_000);
});

test('a list above 200 KiB is refused, counted in bytes', async () => {
  const group = await course();
  const csv = `anna,${'ü'.repeat(100 * 1024)}`;
  expect(await site.send('POST', `/groups/${group.id}/roster`, { as: site.people.teacher, body: { csv, apply: false } })).toMatchObject({ status: 400, body: { field: 'csv', limit: 'at most 200 KiB' } });
  expect((await look(site.people.teacher, group, csv.slice(6))).body.lines[0]?.outcome).toBe('fault');
});

test('where a site gives names of letters only, a list makes no others, and those who have one are added', async () => {
  const strict = await openTestSite({ userNames: 'alphabetic' });
  try {
    const group = await strict.send<Course>('POST', '/groups', { as: strict.people.admin, body: { name: 'CL II' } });
    const got = await strict.send<Roster>('POST', `/groups/${group.body.id}/roster`, { as: strict.people.admin, body: { csv: 'cyra2\nstudent1\ncyra\n', apply: false } });
    expect(got.body.lines.map(({ outcome }) => outcome)).toEqual(['fault', 'added', 'new-user']);
  } finally {
    await strict.close();
  }
}, 60_000);
