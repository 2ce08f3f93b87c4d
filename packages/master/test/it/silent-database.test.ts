import { once } from 'node:events';
import { createConnection, createServer, type AddressInfo, type Socket } from 'node:net';
import { systemClock } from '@paravcl/shared/clock';
import type { Knex } from 'knex';
import { connect } from '../../src/db/connection';
import { problemOf } from '../../src/http/problem';
import { repeat } from '../../src/jobs/periodic';
import { eventually } from './eventually';
import { openTestDatabase, type TestDatabase } from './test-database';

const silenceMs = 400;

/** The database behind a door that can be held: what is sent goes nowhere, and nothing is closed, as with a stopped server. */
let database: TestDatabase;
let db: Knex;
let held = false;
const links: Socket[] = [];
const door = createServer((near) => {
  if (!('socketPath' in database.address)) throw new Error('The test database listens on a socket.');
  const far = createConnection(database.address.socketPath);
  links.push(near, far);
  const pass = (from: Socket, to: Socket): void => {
    from.on('data', (bytes) => {
      if (!held) to.write(bytes);
    });
    from.on('error', () => to.destroy());
    from.on('close', () => to.destroy());
  };
  pass(near, far);
  pass(far, near);
});

beforeAll(async () => {
  database = await openTestDatabase();
  door.listen(0, '127.0.0.1');
  await once(door, 'listening');
  const { user, database: name } = database.address;
  db = connect({ host: '127.0.0.1', port: (door.address() as AddressInfo).port, user, database: name }, 2, silenceMs);
});
afterAll(async () => {
  await db.destroy();
  for (const link of links) link.destroy();
  door.close();
  await database.close();
});
afterEach(() => (held = false));

test('a query that is never answered ends, is told as a lost database, and the next one is answered', async () => {
  await db.raw('SELECT 1');
  held = true;
  const error: unknown = await db.raw('SELECT 2').then(() => null, (fault: unknown) => fault);
  expect(problemOf(error, 'trace')).toMatchObject({ status: 503, code: 'not-ready', retryAfterSeconds: 5 });
  held = false;
  await expect(db.raw('SELECT 3')).resolves.toBeDefined();
});

test('a transaction that is never answered ends too, and writes nothing', async () => {
  const work = db.transaction(async (transaction) => {
    await transaction('settings').insert({ name: 'half', value: '1' });
    held = true;
    await transaction('settings').insert({ name: 'other half', value: '1' });
  });
  const error: unknown = await work.then(() => null, (fault: unknown) => fault);
  expect(problemOf(error, 'trace')).toMatchObject({ status: 503 });
  held = false;
  expect(await eventually('the server has undone it', async () => ((await database.db('settings').where({ name: 'half' })).length === 0 ? true : null))).toBe(true);
});

test('a slow answer that still comes within the limit is waited for', async () => {
  await expect(db.raw(`SELECT SLEEP(${(silenceMs / 2 / 1000).toString()})`)).resolves.toBeDefined();
});

test('a job whose round hangs is not begun twice, and goes on by itself when the database is back', async () => {
  let [begun, ended, under, most] = [0, 0, 0, 0];
  const faults: unknown[] = [];
  const job = {
    run: async () => {
      begun += 1;
      most = Math.max(most, ++under);
      try {
        await db.raw('SELECT 4');
        ended += 1;
      } finally {
        under -= 1;
      }
    },
  };
  const stop = repeat(job, 10, systemClock, (error) => faults.push(error));
  await eventually('a round has ended', () => ended > 0);
  held = true;
  await eventually('a round has failed', () => faults.length > 0);
  const before = ended;
  held = false;
  await eventually('rounds end again', () => ended > before + 1);
  await stop();
  expect([most, begun]).toEqual([1, ended + faults.length]);
});
