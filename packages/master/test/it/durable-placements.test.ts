import { newId } from '@paravcl/shared/ids';
import type { Knex } from 'knex';
import { fillBooks } from '../bench/placements/filled-books';
import { openHttpLauncher } from '../bench/placements/http-launcher';
import { launcherOf } from '../bench/placements/master-launcher';
import { preparedLaunch, type Books, type Launcher } from '../bench/placements/prepared-launches';
import { recount } from '../bench/placements/recount';
import { rowsOfLaunch, type RowsOfTable } from '../bench/placements/rows-of-launch';
import { openRunningMaster, type RunningMaster } from '../bench/placements/running-master';
import { keepHostRoom, openSqlScheduler } from '../bench/placements/sql-scheduler';
import { openTestDatabase, type TestDatabase } from './test-database';

/** What `npm run bench -- scheduler` measures placements with, in small. */
describe('the bench of durable placements', () => {
  let database: TestDatabase;
  let books: Books;
  let master: RunningMaster;
  let launcher: Launcher;
  const faults: unknown[] = [];
  const onFault = (error: unknown): void => void faults.push(error);
  /** The slave by the instance. */
  const answered = new Map<string, string>();

  beforeAll(async () => {
    database = await openTestDatabase();
    books = await fillBooks(database.db, { slaves: 3, guests: 2 }, () => undefined);
    master = await openRunningMaster(database.address, onFault, 0);
    launcher = launcherOf(master);
    await launched(launcher, 0);
  });
  afterAll(async () => {
    await launcher.stop();
    await database.close();
    expect(faults).toEqual([]);
  });

  const launched = async (by: Launcher, client: number): Promise<void> => {
    const { instance: { id, slaveId } } = await by.launch(preparedLaunch(books), client);
    answered.set(id, slaveId ?? 'nowhere');
  };
  const firstId = (): string => [...answered.keys()][0] ?? '';
  const sound = { after: 'a test', overbooked: 0, placedTwice: 0, lost: 0, incomplete: 0 };

  /** Counted in books that are wrong, which they are not afterwards. */
  const countedWith = async (plant: (db: Knex) => Promise<unknown>, answers: ReadonlyMap<string, string> = answered) => {
    const wrong = await database.db.transaction();
    try {
      await plant(wrong);
      return await recount(wrong, 'a test', answers);
    } finally {
      await wrong.rollback();
    }
  };

  it('places in the master with all that belongs to a launch', async () => {
    await Promise.all([1, 2, 3].map((client) => launched(launcher, client)));
    expect(await recount(database.db, 'a test', answered)).toEqual({ ...sound, answered: answered.size });
  });

  it('places over HTTP, each person by an own API token, with all that belongs to a launch', async () => {
    const http = await openHttpLauncher(master, books, 3, onFault);
    const before = answered.size;
    for (let turn = 0; turn < 2; turn++) {
      for (const { id, slaveId } of await Promise.all([0, 1, 2].map((client) => http.launch(client)))) answered.set(id, slaveId ?? 'nowhere');
    }
    await http.stop();
    expect(await recount(database.db, 'a test', answered)).toEqual({ ...sound, answered: before + 6 });
    const launched = await database.db('instances').whereIn('id', [...answered.keys()].slice(before)).select<readonly { readonly user_id: string; readonly vcpus: number; readonly observed: string }[]>('user_id', 'vcpus', 'observed');
    expect(new Set(launched.map(({ user_id: userId }) => userId))).toEqual(new Set(books.userIds.slice(0, 3)));
    expect(launched.map(({ vcpus, observed }) => [vcpus, observed])).toEqual(Array.from({ length: 6 }, () => [1, 'preparing']));
    expect(await database.db('addresses').whereIn('instance_id', [...answered.keys()].slice(before)).count({ found: '*' })).toEqual([{ found: 6 }]);
  });

  it('says what the master said when it refuses a launch over HTTP', async () => {
    const http = await openHttpLauncher(master, { ...books, imageId: newId(0) }, 1, onFault);
    await expect(http.launch(0)).rejects.toThrow(/answered 404: .*There is no image/);
    await http.stop();
  });

  it.each([[false, false], [true, false], [false, true], [true, true]])('places in SQL with the same rows and no double booking (skip locked %s, together %s)', async (skipLocked, together) => {
    await keepHostRoom(database.db);
    const like = await rowsOfLaunch(database.db, firstId());
    const sql = await openSqlScheduler(database.address, { clients: 4, skipLocked, together }, like);
    const before = answered.size;
    for (let turn = 0; turn < 3; turn++) await Promise.all([0, 1, 2, 3].map((client) => launched(sql, client)));
    await sql.stop();
    expect(await recount(database.db, 'a test', answered)).toEqual({ ...sound, answered: before + 12 });
    expect((await rowsOfLaunch(database.db, [...answered.keys()].at(-1) ?? '')).map(shape)).toEqual(like.map(shape));
    const held = (await database.db('instances').whereNotNull('slave_id').groupBy('slave_id').sum({ vcpus: 'vcpus' })) as readonly { readonly vcpus: string }[];
    expect(await database.db('host_room').orderBy('used_vcpus').pluck('used_vcpus')).toEqual(held.map(({ vcpus }) => Number(vcpus)).sort((a, b) => a - b));
  });

  it('waits in SQL where no host has room', async () => {
    await keepHostRoom(database.db);
    await database.db('host_room').update({ free_vcpus: 0 });
    const sql = await openSqlScheduler(database.address, { clients: 1, skipLocked: true, together: true }, await rowsOfLaunch(database.db, firstId()));
    expect((await sql.launch(preparedLaunch(books), 0)).instance.slaveId).toBeNull();
    await sql.stop();
  });

  it('counts a host on which more is promised than it has', async () => {
    const slaveId = answered.get(firstId());
    expect(await countedWith((db) => db('slaves').where({ id: slaveId }).update({ describe_data: db.raw("JSON_SET(describe_data, '$.cores', 2)") }))).toMatchObject({ ...sound, overbooked: 1 });
  });

  it('counts an instance that is placed twice, and one that is not where it is placed', async () => {
    const [other = ''] = await database.db('slaves').whereNot({ id: answered.get(firstId()) }).pluck<string[]>('id');
    const again = { id: newId(0), instance_id: firstId(), slave_id: other, generation: 3, state: 'active', created_at: new Date(0) };
    expect(await countedWith((db) => db('placements').insert(again))).toMatchObject({ ...sound, placedTwice: 1 });
    expect(await countedWith((db) => db('instances').where({ id: firstId() }).update({ slave_id: other }))).toMatchObject({ ...sound, placedTwice: 1, lost: 1 });
  });

  it('counts an answer of which the books know nothing, and one without its decision', async () => {
    const unknown = new Map([...answered, [newId(0), answered.get(firstId()) ?? '']]);
    expect(await countedWith((db) => db('decisions').where({ subject_id: firstId() }).delete(), unknown)).toMatchObject({ ...sound, lost: 1, incomplete: 2 });
  });
});

/** Bytes of each cell, by column: names of one length, ids of another launch. */
function shape({ table, rows }: RowsOfTable): object {
  return { table, rows: rows.map((row) => Object.fromEntries(Object.entries(row).map(([column, value]) => [column, value instanceof Date ? 'time' : String(value).length]))) };
}
