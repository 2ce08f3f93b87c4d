import type { Notice } from '@paravcl/shared/domain/notice';
import { newId } from '@paravcl/shared/ids';
import { noticeRoutes } from '../../src/http/notice-routes';
import { NoticeService, tell } from '../../src/services/notice-service';
import { HandClock } from './hand-clock';
import { openTestSite, type TestSite } from './test-site';

describe('notices and the mail address they go to', () => {
  const noticeClock = new HandClock();
  let site: TestSite;

  beforeAll(async () => {
    site = await openTestSite({ more: ({ unit }) => noticeRoutes(new NoticeService(unit, noticeClock)) });
  });
  afterAll(() => site.close());
  afterEach(() => expect(site.faults).toEqual([]));

  const told = async (userId: string, sentence: string): Promise<void> => {
    noticeClock.advance(1);
    await site.database.unit.transaction((repositories) => tell(repositories, { userId, kind: 'instance.preempted', subjectType: 'instance', subjectId: newId(0), sentence, decisionId: null }, noticeClock.now()));
  };
  const list = async (query = ''): Promise<readonly Notice[]> => (await site.send<{ items: Notice[] }>('GET', `/notices${query}`, { as: site.people.student })).body.items;

  it('are read by the person they are for, newest first, and marked as read once', async () => {
    await told(site.people.student.id, 'The first was saved.');
    await told(site.people.student.id, 'The second was saved.');
    await told(site.people.teacher.id, 'Somebody else’s was saved.');
    const all = await list();
    expect(all.map(({ sentence }) => sentence)).toEqual(['The second was saved.', 'The first was saved.']);
    const read = `/notices/${String(all[0]?.id)}/read`;
    const first = await site.send<Notice>('POST', read, { as: site.people.student });
    expect(first.body.readAt).toBe(new Date(noticeClock.now()).toISOString());
    noticeClock.advance(60_000);
    expect((await site.send<Notice>('POST', read, { as: site.people.student })).body.readAt).toBe(first.body.readAt);
    expect((await list('?unread=true')).map(({ sentence }) => sentence)).toEqual(['The first was saved.']);
  });

  it('of somebody else are not there, for administrators neither', async () => {
    const [mine] = await list();
    expect((await site.send('POST', `/notices/${String(mine?.id)}/read`, { as: site.people.admin })).status).toBe(404);
    expect((await site.send('POST', `/notices/${newId(0)}/read`, { as: site.people.student })).status).toBe(404);
    expect((await site.send<{ items: unknown[] }>('GET', '/notices', { as: site.people.admin })).body.items).toEqual([]);
  });

  it('stand in the log of events as well', async () => {
    const { body } = await site.send<{ items: { sentence: string; actor: string }[] }>('GET', '/events?kind=instance.preempted', { as: site.people.operator });
    expect(body.items).toHaveLength(3);
    expect(body.items[0]).toMatchObject({ sentence: 'Somebody else’s was saved.', actor: 'master' });
  });

  it('go to the address a person gives, changes or takes back, or is given by who looks after the account', async () => {
    const group = await site.send<{ id: string }>('POST', '/groups', { as: site.people.teacher, body: { name: 'CL II' } });
    const code = await site.send<{ enrolmentCode: string }>('POST', `/groups/${group.body.id}/enrolment-code`, { as: site.people.teacher });
    const registered = await site.send<{ id: string; mail: string }>('POST', '/registrations', {
      body: { enrolmentCode: code.body.enrolmentCode, name: 'mailed', displayName: 'Mia Mailed', password: 'a sparrow eats nine keys', mail: 'mia@example.edu' },
    });
    expect(registered).toMatchObject({ status: 201, body: { mail: 'mia@example.edu' } });
    const mia = await site.login('mailed');
    const edit = async (mail: string | null) => site.send('PATCH', '/me', { as: mia, body: { mail } });
    expect((await edit('mia.mailed@example.edu')).body['mail']).toBe('mia.mailed@example.edu');
    expect((await edit(null)).body['mail']).toBeNull();
    for (const wrong of ['mia', 'mia@example.edu\r\nBcc: all@example.edu', `${'a'.repeat(250)}@example.edu`]) expect((await edit(wrong)).body['code']).toBe('invalid-input');
    const byTeacher = await site.send('PATCH', `/users/${registered.body.id}`, { as: site.people.teacher, body: { mail: 'mia@lab.example' } });
    expect(byTeacher.body['mail']).toBe('mia@lab.example');
    const made = await site.send<{ user: { mail: string } }>('POST', '/users', { as: site.people.admin, body: { name: 'posted', displayName: 'Paul Posted', mail: 'paul@example.edu' } });
    expect(made.body.user.mail).toBe('paul@example.edu');
  });
});
