import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newId } from '@paravcl/shared/ids';
import { priorityOf } from '@paravcl/shared/priority';
import { migrate } from '../../src/db/migrate';
import { MigrationFiles, migrationsDirectory } from '../../src/db/migration-files';
import { InstanceRepository } from '../../src/repositories/instance-repository';
import { sampleTime as now } from './sample-records';
import { openEmptyDatabase } from './test-database';

type EmptyDatabase = Awaited<ReturnType<typeof openEmptyDatabase>>;

let database: EmptyDatabase;
beforeEach(async () => (database = await openEmptyDatabase()));
afterEach(() => database.close());

/** The schema as the last version before priorities had it. */
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

test('instances of before get the Pi they would have had: of their image, their size and the minutes they asked for', async () => {
  await migrateToBefore('0022');
  const imageId = newId(now);
  await database.db('images').insert({
    id: imageId, friendly_id: 'EMI-X-1', kind: 'disk', name: 'x', description: '', format: 'raw', size_bytes: 1, sha256: 'f', state: 'ready', kernel_arguments: '',
    platform_value: 2.5, created_by_user_id: newId(now), created_at: new Date(now),
  });
  const old = async (name: string, image: string, ram_mib: number, minutes: number | null): Promise<string> => {
    const id = newId(now);
    await database.db('instances').insert({
      id, name, type: 'BE', user_id: newId(now), image_id: image, kernel_arguments: '', vcpus: 1, ram_mib, disk_mib: 1, ssh_public_keys: '[]',
      desired: 'running', observed: 'running', generation: 1, created_at: new Date(now), changed_at: new Date(now), minutes,
    });
    return id;
  };
  const timed = await old('timed', imageId, 600, 45);
  const endless = await old('endless', newId(now), 512, null);
  await migrate(database.db);

  const instances = new InstanceRepository(database.db);
  expect(await instances.find(timed)).toMatchObject({ requestedMinutes: 45, priority: priorityOf({ pfv: 2.5, ras: false, mon: false, ramMiB: 600, minutes: 45 }) });
  expect(await instances.find(endless)).toMatchObject({
    minutes: null, requestedMinutes: 20_160, priority: priorityOf({ pfv: 1, ras: false, mon: false, ramMiB: 512, minutes: 20_160 }),
    reservationId: null, queuedAt: null, nominatedSlaveId: null, preemptions: 0, preemptedOn: null,
  });
});

test('a priority that was decided is not reckoned anew when the migration runs again', async () => {
  await migrateToBefore('0024');
  const id = newId(now);
  await database.db('instances').insert({
    id, name: 'decided', type: 'BE', user_id: newId(now), image_id: newId(now), kernel_arguments: '', vcpus: 1, ram_mib: 512, disk_mib: 1, ssh_public_keys: '[]',
    desired: 'running', observed: 'running', generation: 1, created_at: new Date(now), changed_at: new Date(now), ras: 1, pi: 7.123456, requested_minutes: 30,
  });
  await database.db('knex_migrations').where('name', 'like', '0023-%').delete();
  await migrate(database.db);
  expect((await new InstanceRepository(database.db).find(id))?.priority).toMatchObject({ ras: 1, pi: 7.123456 });
});
