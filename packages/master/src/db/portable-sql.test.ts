import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

const root = resolve(__dirname, '../../../..');

/** SQL that only one of MariaDB 10.11 and MySQL 8 takes, or that means different things to them, and how to say it instead. */
const oneSided: readonly { readonly pattern: RegExp; readonly instead: string }[] = [
  { pattern: /\bRETURNING\b(?=\s+[\w*`])/, instead: 'read the row again (MySQL has no RETURNING)' },
  { pattern: /\.returning\(/, instead: 'read the row again (MySQL has no RETURNING)' },
  { pattern: /\b(?:UUID|INET4|INET6|JSON)\s+(?:NOT\s+)?NULL\b/, instead: 'CHAR(36), VARCHAR or MEDIUMTEXT' },
  { pattern: /\.(?:uuid|json|jsonb|enu|enum)\(\s*['"`]/, instead: 'text columns with explicit length' },
  { pattern: /\b(?:ENUM|SET)\s*\(\s*'/, instead: 'VARCHAR(16) and a check in the domain' },
  { pattern: /\b(?:CREATE|NEXT VALUE FOR|ALTER)\s+(?:OR REPLACE\s+)?SEQUENCE\b/, instead: 'UUIDv7 ids' },
  { pattern: /\bCREATE OR REPLACE TABLE\b/, instead: 'a guard by hasTable' },
  { pattern: /\b(?:ADD|DROP|MODIFY|CHANGE) (?:COLUMN|INDEX|KEY|CONSTRAINT) IF (?:NOT )?EXISTS\b/i, instead: 'a guard by hasColumn' },
  { pattern: /\bCREATE (?:UNIQUE )?INDEX IF NOT EXISTS\b/, instead: 'a guard' },
  { pattern: /\butf8mb4_(?:0900|uca1400)_\w+/, instead: 'utf8mb4_unicode_520_ci or utf8mb4_bin' },
  { pattern: /\bWITH SYSTEM VERSIONING\b/, instead: 'a history table' },
  { pattern: /\bJSON_TABLE\s*\(|\bJSON_VALUE\s*\(|->>?\s*'\$/, instead: 'columns; JSON is only stored' },
  { pattern: /\bFOR (?:UPDATE|SHARE) OF\b/, instead: 'FOR UPDATE' },
  { pattern: /\bFOR SHARE\b/, instead: 'LOCK IN SHARE MODE, or .forShare() (MariaDB has no FOR SHARE)' },
  { pattern: /\bAS new\b[^;]*\bON DUPLICATE KEY\b/i, instead: 'onConflict().merge([columns])' },
  { pattern: /\bMINUS\b\s+SELECT|\bLATERAL\b|\bGET_LOCK\([^)]*,\s*-1\)/, instead: 'plain joins; a lock with a limit' },
  // Placeholders may be put together; with no value bound it is the value itself that was pasted in.
  { pattern: /\braw\(\s*`[^`]*\$\{[^`]*`\s*\)/, instead: 'bindings: raw(\'… ?\', [value])' },
];

function filesUnder(directory: string, wanted: RegExp): readonly string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => wanted.test(name) && !/\.test\.ts$/.test(name))
    .map((name) => join(directory, name));
}

/** Comments may name what is not to be used. */
function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(?<![:'"`])\/\/.*$/gm, '').replace(/--\s.*$/gm, '');
}

function findings(text: string): readonly string[] {
  return oneSided.filter(({ pattern }) => pattern.test(withoutComments(text))).map(({ instead }) => instead);
}

test.each([
  "await db.raw('INSERT INTO t VALUES (1) RETURNING id')",
  "db('t').insert(row).returning('id')",
  'id UUID NOT NULL PRIMARY KEY',
  "t.uuid('id')",
  "state ENUM('a', 'b')",
  'ALTER TABLE t ADD COLUMN IF NOT EXISTS x INT',
  'name VARCHAR(9) COLLATE utf8mb4_0900_ai_ci',
  "SELECT data->>'$.x' FROM t",
  'SELECT * FROM t FOR SHARE',
  'db.raw(`SELECT ${column} FROM t`)',
])('the lint sees %s', (text) => {
  expect(findings(text)).not.toEqual([]);
});

test('no statement of the master or of a migration is for one of the two databases only', () => {
  const master = filesUnder(join(root, 'packages/master/src'), /\.ts$/);
  const migrations = filesUnder(join(root, 'migrations'), /\.(js|sql)$/);
  // A lint that looked at nothing must not pass.
  expect(master.filter((file) => file.includes('-repository.ts')).length).toBeGreaterThan(2);
  expect(migrations.length).toBeGreaterThan(18);
  const found = [...master, ...migrations].flatMap((file) => findings(readFileSync(file, 'utf8')).map((instead) => `${relative(root, file)}: use ${instead}`));
  expect(found).toEqual([]);
});
