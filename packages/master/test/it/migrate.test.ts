import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseJson } from '@paravcl/shared/parse-json';
import { connect } from '../../src/db/connection';
import { migrate } from '../../src/db/migrate';
import { MigrationFiles, migrationsDirectory } from '../../src/db/migration-files';
import { compareSchemas, readSchema, type SchemaShape } from '../../src/db/read-schema';
import { openEmptyDatabase } from './test-database';

type EmptyDatabase = Awaited<ReturnType<typeof openEmptyDatabase>>;

const schemaJson = join(migrationsDirectory, 'schema.json');

/** The statements of schema.sql, without its comments. */
function schemaStatements(): readonly string[] {
  return readFileSync(join(migrationsDirectory, 'schema.sql'), 'utf8')
    .replace(/--.*$/gm, '')
    .split(';')
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}

let database: EmptyDatabase;
beforeEach(async () => (database = await openEmptyDatabase()));
afterEach(() => database.close());

test('schema.json is what schema.sql makes (run with PARAVCL_WRITE_SCHEMA=1 to renew it)', async () => {
  const statements = schemaStatements();
  expect(statements.length).toBeGreaterThan(10);
  for (const statement of statements) await database.db.raw(statement);
  const real = await readSchema(database.db);
  if (process.env['PARAVCL_WRITE_SCHEMA'] === '1') writeFileSync(schemaJson, `${JSON.stringify(real, null, 2)}\n`);
  expect(real).toEqual(parseJson(readFileSync(schemaJson, 'utf8')));
  expect(Object.keys(real)).toHaveLength(statements.length);
});

test('the migrations make exactly the schema, and a second run has nothing to do', async () => {
  const ran = await migrate(database.db);
  expect(ran.length).toBeGreaterThan(10);
  expect(compareSchemas(parseJson(readFileSync(schemaJson, 'utf8')) as SchemaShape, await readSchema(database.db))).toEqual([]);
  expect(await migrate(database.db)).toEqual([]);
});

test('two masters that migrate at once both end with the schema, each step run once', async () => {
  const other = connect(database.address);
  try {
    const [one, two] = await Promise.all([migrate(database.db), migrate(other)]);
    expect([one.length, two.length].sort((a, b) => a - b)).toEqual([0, (await new MigrationFiles(migrationsDirectory).getMigrations()).length]);
  } finally {
    await other.destroy();
  }
});

test('a migration that was cut off, with the lock row still taken, is finished by the next start', async () => {
  await migrate(database.db);
  const last = (await database.db('knex_migrations').max('id as id').first()) as { id: number };
  await database.db('knex_migrations').where(last).delete();
  await database.db('knex_migrations_lock').update({ is_locked: 1 });
  expect(await migrate(database.db)).toHaveLength(1);
});

test('a step whose number is below those that have run is run too: two were written at the same time', async () => {
  const late = '0067-add-slave-max-connections.js';
  await migrate(database.db);
  await database.db.raw('ALTER TABLE slaves DROP COLUMN max_connections');
  await database.db('knex_migrations').where({ name: late }).delete();
  expect(await migrate(database.db)).toEqual([late]);
});

test('a database of a newer version is refused and named', async () => {
  await migrate(database.db);
  await database.db('knex_migrations').insert({ name: '9999-from-the-future.js', batch: 2, migration_time: new Date() });
  await expect(migrate(database.db)).rejects.toThrow(/newer than this version.*9999-from-the-future\.js/);
});

test('a column changed, added or removed by hand is named', async () => {
  await migrate(database.db);
  await database.db.raw('ALTER TABLE users MODIFY display_name VARCHAR(99) NOT NULL, ADD COLUMN shoe_size INT NULL, DROP INDEX users_name');
  await expect(migrate(database.db)).rejects.toThrow(
    /column users.display_name is "varchar\(99\).*should be "varchar\(100\).*column users.shoe_size should not be there.*key users.users_name is missing/s,
  );
});

test('a failing migration leaves what ran before it, and runs again once it is mended', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'paravcl-migrations-'));
  try {
    cpSync(migrationsDirectory, directory, { recursive: true });
    const broken = join(directory, '0003-create-user-groups.js');
    const sound = readFileSync(broken, 'utf8');
    writeFileSync(broken, "exports.up = async (db) => { await db.schema.raw('CREATE TABLE oops'); };");
    await expect(migrate(database.db, directory)).rejects.toThrow(/oops|1113|42000/);
    expect(await database.db('knex_migrations').count({ n: '*' }).first()).toEqual({ n: 2 });
    writeFileSync(broken, sound);
    expect(await migrate(database.db)).toHaveLength((await new MigrationFiles(migrationsDirectory).getMigrations()).length - 2);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
