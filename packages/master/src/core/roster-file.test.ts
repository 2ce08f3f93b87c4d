import fc from 'fast-check';
import { mostRosterLines, readRoster, type RosterEntry } from './roster-file';

const people = (csv: string): readonly (readonly [string, string | null, string | null])[] => readRoster(csv).map(({ name, displayName, mail }) => [name, displayName, mail]);
const faults = (csv: string): readonly (readonly [number, string])[] => readRoster(csv).flatMap(({ line, fault }) => (fault === null ? [] : [[line, fault] as const]));

test('without a heading the columns are user name, display name and mail address', () => {
  expect(people('anna,Anna Ångström,anna@example.edu\nBela\n')).toEqual([
    ['anna', 'Anna Ångström', 'anna@example.edu'],
    ['bela', null, null],
  ]);
});

test.each([
  ['login,display name,mail'],
  ['"User","Full name","E-Mail"'],
  ['name;display_name;email'],
  ['Benutzername;Name;E-Mail-Adresse'],
  ['\uFEFFKENNUNG\tAnzeigename\tMailadresse'],
])('the heading %s is known', (heading) => {
  const separator = /[;\t]/.exec(heading)?.[0] ?? ',';
  expect(readRoster(`${heading}\r\n${['anna', 'Anna', 'a@example.edu'].join(separator)}\r\n`)).toEqual([{ line: 2, name: 'anna', displayName: 'Anna', mail: 'a@example.edu', fault: null }]);
});

test('columns stand where the heading says, and those it does not know are passed over', () => {
  expect(people('E-Mail,Matriculation,Username\na@example.edu,4711,anna\n')).toEqual([['anna', null, 'a@example.edu']]);
});

test('a heading without user names says so', () => {
  expect(faults('Full name,Mail\nAnna,a@example.edu\n')).toEqual([[1, 'The heading names no column of user names. Call it "user name", "login" or "name".']]);
});

test('what is wrong with a line is told with its number', () => {
  expect(faults('anna\n9lives\n\nbela,Bela,nowhere\nAnna\n,Nobody\ncyra,"Cy\nra"\n')).toEqual([
    [2, '"9lives" is no user name: starts with a letter; letters, digits, dot, hyphen, underscore.'],
    [4, '"nowhere" is no mail address of at most 254 characters, such as alice@example.edu.'],
    [5, 'anna stands in line 1 already. Leave one of the two out.'],
    [6, 'This line has no user name. Write one, or leave the line out.'],
    [7, 'The display name of cyra: must not contain control or invisible characters.'],
  ]);
});

test('a broken quote is a fault beside those of the lines before it', () => {
  expect(faults('a\nbela,"Bela\n').map(([line]) => line)).toEqual([1, 2]);
});

test('a list that names nobody says what to write', () => {
  for (const csv of ['', '\n ; \n', 'login,mail\n']) expect(faults(csv)).toEqual([[1, 'The list names nobody. Write one user name a line.']]);
});

test('lines beyond the most are told, once', () => {
  const csv = ['login', ...Array.from({ length: mostRosterLines + 2 }, (_, at) => `student${at}`)].join('\n');
  expect(faults(csv)).toEqual([[mostRosterLines + 2, `The list has ${mostRosterLines + 2} people, and one list takes ${mostRosterLines}. Put those from here on into a second one.`]]);
  expect(readRoster(csv)).toHaveLength(mostRosterLines + 1);
});

const word = fc.stringMatching(/^[a-z][a-z0-9._-]{1,20}$/).filter((name) => !/^(user|login|name|mail|email|account|kennung|nutzername|benutzer|benutzername|anmeldename|username|e-?mail|fullname|displayname|anzeigename|mailadresse|emailadresse|(user|login|full|display)[_-]+name|voller[_-]+name)[_-]*$/.test(name));
const shown = fc.string({ unit: fc.constantFrom('A', 'ü', 'z', ' ', '"', ',', ';', '\'') }).map((text) => `X${text}x`).filter((text) => text.length <= 100);
const person = fc.record({ name: word, displayName: fc.option(shown), mail: fc.option(word.map((name) => `m${name.replace(/[._-]/g, 'a')}@example.edu`)) });

/** As a spreadsheet writes it. */
function written(list: readonly Pick<RosterEntry, 'name' | 'displayName' | 'mail'>[], separator: string, heading: boolean): string {
  const quoted = (text: string | null): string => (text !== null && /[",;\t]/.test(text) ? `"${text.replaceAll('"', '""')}"` : (text ?? ''));
  const rows = list.map(({ name, displayName, mail }) => [name, quoted(displayName), quoted(mail)]);
  return [...(heading ? [['Login', 'Display name', 'E-mail']] : []), ...rows].map((cells) => cells.join(separator)).join('\r\n');
}

test('a list that is written is read the same', () => {
  fc.assert(
    fc.property(fc.uniqueArray(person, { selector: ({ name }) => name, minLength: 1, maxLength: 8 }), fc.constantFrom(',', ';', '\t'), fc.boolean(), (list, separator, heading) => {
      expect(readRoster(written(list, separator, heading))).toEqual(list.map((each, at) => ({ line: at + (heading ? 2 : 1), ...each, fault: null })));
    }),
  );
});
