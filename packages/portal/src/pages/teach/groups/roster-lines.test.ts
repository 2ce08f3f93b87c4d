import { userNameSchema } from '@paravcl/shared/domain/people';
import { mostRosterLines, rosterLines } from './roster-lines';

test('the first column of each line is a user name, whatever parts the columns; a heading and empty lines are passed over', () => {
  const csv = '\uFEFFUser name;Name\r\n"Alice";Alice Ångström\r\n\r\nbob\tBob\ncarol,"Čapek, Carol"\n';
  expect(rosterLines(csv, new Set(['bob']))).toEqual([
    { line: 2, userName: 'alice', outcome: 'add' },
    { line: 4, userName: 'bob', outcome: 'member' },
    { line: 5, userName: 'carol', outcome: 'add' },
  ]);
});

test('a line says what is wrong with it', () => {
  expect(rosterLines('alice\nalice\n4lice\nÅke\na\n', new Set()).map(({ outcome }) => outcome)).toEqual(['add', 'twice', 'badName', 'badName', 'badName']);
});

test('what it takes for a user name, the master does too', () => {
  for (const name of ['alice', 'a.b-c_d', 'x9', 'a', '9x', 'a'.repeat(32), 'a'.repeat(33), 'al ice', 'åke']) {
    expect(rosterLines(name, new Set())[0]?.outcome === 'add').toBe(userNameSchema.safeParse(name).success);
  }
});

test('lines beyond the most are told, not dropped', () => {
  const csv = Array.from({ length: mostRosterLines + 2 }, (_, at) => `student${at}`).join('\n');
  expect(rosterLines(csv, new Set()).filter(({ outcome }) => outcome === 'tooMany')).toHaveLength(2);
});
