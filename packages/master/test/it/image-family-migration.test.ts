import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newId } from '@paravcl/shared/ids';
import { migrate } from '../../src/db/migrate';
import { MigrationFiles, migrationsDirectory } from '../../src/db/migration-files';
import { sampleTime as now } from './sample-records';
import { openEmptyDatabase } from './test-database';

type EmptyDatabase = Awaited<ReturnType<typeof openEmptyDatabase>>;

let database: EmptyDatabase;
beforeEach(async () => (database = await openEmptyDatabase()));
afterEach(() => database.close());

/** The schema as the last version before families had it. */
async function migrateToBefore(firstLeftOut: string): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'paravcl-migrations-'));
  try {
    for (const name of await new MigrationFiles(migrationsDirectory).getMigrations()) {
      if (name < firstLeftOut) cpSync(join(migrationsDirectory, name), join(directory, name));
    }
    await database.db.migrate.latest({ migrationSource: new MigrationFiles(directory), disableTransactions: true });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function oldImage(name: string, friendlyId: string, more: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const id = newId(now);
  await database.db('images').insert({
    id, friendly_id: friendlyId, kind: 'disk', name, description: '', format: 'raw', size_bytes: 1, sha256: 'f', state: 'ready', kernel_arguments: '',
    platform_value: 1, created_by_user_id: newId(now), created_at: new Date(now), ...more,
  });
  return id;
}

test('each image of before is version 1 of a family of its name, and in production when it is ready', async () => {
  await migrateToBefore('0034');
  const first = await oldImage('Ubuntu', 'EMI-UBUNTU-1');
  const namesake = await oldImage('ubuntu', 'EMI-UBUNTU-2');
  const kernel = await oldImage('Ubuntu', 'EKI-UBUNTU-3', { kind: 'kernel' });
  const half = await oldImage('Half', 'EMI-HALF-4', { state: 'uploading' });
  await migrate(database.db);

  const families = async (): Promise<unknown> => database.db('images').join('image_families', 'image_families.id', 'images.family_id').orderBy('images.id')
    .select('images.id as imageId', 'images.version', 'images.visibility', 'image_families.name', 'image_families.production_image_id as production', 'image_families.versions_made as made');
  const expected = [
    { imageId: first, version: 1, visibility: 'public', name: 'Ubuntu', production: first, made: 1 },
    { imageId: namesake, version: 1, visibility: 'public', name: 'ubuntu (EMI-UBUNTU-2)', production: namesake, made: 1 },
    { imageId: kernel, version: 1, visibility: 'public', name: 'Ubuntu', production: kernel, made: 1 },
    { imageId: half, version: 1, visibility: 'public', name: 'Half', production: null, made: 1 },
  ];
  expect(await families()).toEqual(expected);

  // A step that was cut off between a family and its image is gone through again.
  await database.db('images').where({ id: namesake }).update({ family_id: null });
  await database.db('knex_migrations').where('name', 'like', '0037-%').delete();
  await migrate(database.db);
  expect(await families()).toEqual(expected);
});
