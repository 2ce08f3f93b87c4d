import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseJson } from '@paravcl/shared/parse-json';
import type { Knex } from 'knex';
import { MigrationFiles, migrationsDirectory } from './migration-files';
import { compareSchemas, readSchema, type SchemaShape } from './read-schema';

const lockWaitSeconds = 120;

/**
 * Brings the database to the schema of this code and checks that it is exactly that schema. Any number of
 * masters may do this at once: one works, the others wait and then find nothing to do. A master killed in
 * mid-migration leaves nothing that the next one has to be helped over.
 *
 * Returns the names of the migrations it ran. Throws when the database is newer than the code, and when the
 * schema is not the expected one after migrating (somebody changed it by hand), naming every difference.
 */
export async function migrate(db: Knex, directory: string = migrationsDirectory): Promise<readonly string[]> {
  const files = new MigrationFiles(directory);
  return holdingMigrationLock(db, async () => {
    await refuseNewerDatabase(db, await files.getMigrations());
    // knex's own lock is a row that outlives a killed migrator. Ours is held by a connection, so whoever
    // holds it knows that a locked row is a dead one's.
    const settings = { migrationSource: files, disableTransactions: true };
    await db.migrate.forceFreeMigrationsLock(settings);
    const [, ran] = (await db.migrate.latest(settings)) as [number, string[]];
    await checkSchema(db, directory);
    return ran;
  });
}

/** Throws unless the database has exactly the tables, columns and keys of `schema.json`. */
async function checkSchema(db: Knex, directory: string): Promise<void> {
  const expected = parseJson(await readFile(join(directory, 'schema.json'), 'utf8')) as SchemaShape;
  const differences = compareSchemas(expected, await readSchema(db));
  if (differences.length === 0) return;
  throw new Error(
    `The database is not as this version of ParaVCL expects it after migrating: ${differences.join('; ')}. ` +
      'Undo the change made by hand, or restore a backup.',
  );
}

async function refuseNewerDatabase(db: Knex, known: readonly string[]): Promise<void> {
  if (!(await db.schema.hasTable('knex_migrations'))) return;
  const done = await db<{ name: string }>('knex_migrations').orderBy('id').pluck('name');
  const unknown = done.filter((name: string) => !known.includes(name));
  if (unknown.length === 0) return;
  throw new Error(
    `The database is newer than this version of ParaVCL: it has migrations unknown here (${unknown.join(', ')}). ` +
      'Start the newer version again, or restore a backup made before it.',
  );
}

/** GET_LOCK belongs to its connection: it goes with a killed process, and other databases have their own. */
async function holdingMigrationLock<T>(db: Knex, work: () => Promise<T>): Promise<T> {
  const client = db.client as Knex.Client;
  const connection = (await client.acquireConnection()) as object;
  const ask = async (sql: string): Promise<unknown> => {
    const [found] = (await db.raw(sql, []).connection(connection)) as [readonly { got: unknown }[]];
    return found[0]?.got;
  };
  try {
    const got = await ask(`SELECT GET_LOCK(CONCAT('paravcl-migrate-', MD5(DATABASE())), ${String(lockWaitSeconds)}) AS got`);
    if (got !== 1) throw new Error(`Another master has been migrating this database for over ${String(lockWaitSeconds)} s; look at that one first.`);
    try {
      return await work();
    } finally {
      await ask("SELECT RELEASE_LOCK(CONCAT('paravcl-migrate-', MD5(DATABASE()))) AS got");
    }
  } finally {
    await client.releaseConnection(connection);
  }
}
