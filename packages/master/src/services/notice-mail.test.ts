import type { Notice } from '@paravcl/shared/domain/notice';
import { noticeMail } from './notice-mail';

const style = { siteName: 'CS lab', baseUrl: 'https://lab.example:8443', timeZone: 'Europe/Berlin' };
const preempted: Notice = {
  id: '0198f000-0000-7000-8000-000000000001', at: '2026-10-13T11:58:00.000Z', kind: 'instance.preempted', subject: { type: 'instance', id: '0198f000-0000-7000-8000-0000000000aa' },
  sentence: 'i-ubuntu-9af was saved with everything open.', decisionId: '0198f000-0000-7000-8000-0000000000dd', readAt: null,
};
const begun: Notice = { ...preempted, id: '0198f000-0000-7000-8000-000000000002', kind: 'reservation.begun', sentence: 'Your reservation has begun.', decisionId: null };

test('a mail about one thing says in its subject what happened, and where to find out why', () => {
  const mail = noticeMail('alice@example.edu', 'alice', [preempted], style);
  expect(mail).toMatchObject({ to: 'alice@example.edu', subject: 'CS lab: An instance of yours was saved for others', messageId: '<0198f000-0000-7000-8000-000000000001.1@lab.example>' });
  expect(mail.text.split('\n\n')).toEqual([
    'Hello alice,',
    'Tue 13:58: i-ubuntu-9af was saved with everything open.\n  Why: https://lab.example:8443/why/0198f000-0000-7000-8000-0000000000dd',
    'CS lab at https://lab.example:8443 sent this because your account there has this address. Change or remove it in your account.\n',
  ]);
});

test('several things are one mail, in the order they happened', () => {
  const mail = noticeMail('alice@example.edu', 'alice', [preempted, begun], style);
  expect(mail.subject).toBe('CS lab: 2 notices about what is yours');
  expect(mail.text.indexOf('saved')).toBeLessThan(mail.text.indexOf('begun'));
});
