import { newId } from '@paravcl/shared/ids';
import { configSchema } from '../../src/config';
import { HousekeepingJob } from '../../src/jobs/housekeeping-job';
import type { DecisionRecord } from '../../src/repositories/decision-rows';
import { longestChainMs } from '../../src/services/inputs-chain';
import { settingsFromConfig } from '../../src/settings-from-config';
import { HandClock } from './hand-clock';
import { openTestDatabase, type TestDatabase } from './test-database';

const day = 24 * 3_600_000;
const clock = new HandClock();
let database: TestDatabase;

beforeAll(async () => (database = await openTestDatabase()));
afterAll(() => database.close());

const ago = (days: number): number => clock.now() - days * day;
const somebody = newId(0);

async function keptAfterRound(table: string, name: string, batch = 1000): Promise<readonly unknown[]> {
  await new HousekeepingJob(database.unit, clock, settingsFromConfig(configSchema.parse({})).housekeeping, batch).run((error) => { throw error; });
  return ((await database.db(table).pluck(name)) as unknown[]).sort();
}

async function insertCommand(at: number): Promise<void> {
  await database.unit.read.commands.insert(somebody, { commandId: newId(at), generation: null, deadlineMs: 1000, command: { kind: 'describe' } }, at);
}

function operation(createdAt: number, changedAt: number, state: string, kind: string): object {
  return { id: newId(createdAt), kind, subject_type: 'instance', subject_id: somebody, state, sentence: '', user_id: somebody, created_at: new Date(createdAt), changed_at: new Date(changedAt) };
}

function instance(name: string, deletedAt: number | null): { readonly id: string } {
  const at = new Date(ago(400));
  return Object.assign({ id: newId(ago(400)) }, {
    name, type: 'a', user_id: somebody, image_id: somebody, kernel_arguments: '', vcpus: 1, ram_mib: 1, disk_mib: 1, ssh_public_keys: '[]',
    desired: 'deleted', observed: 'deleted', generation: 1, created_at: at, changed_at: at, deleted_at: deletedAt === null ? null : new Date(deletedAt),
  });
}

test('commands go after 30 days', async () => {
  for (const days of [31, 29]) await insertCommand(ago(days));
  expect(await keptAfterRound('commands', 'created_at')).toEqual([new Date(ago(29))]);
});

test('operations go 30 days after they were over; pending ones never', async () => {
  await database.db('operations').insert([
    operation(ago(60), ago(31), 'done', 'old'),
    operation(ago(60), ago(31), 'superseded', 'old too'),
    operation(ago(60), ago(29), 'failed', 'over lately'),
    operation(ago(60), ago(60), 'pending', 'under way'),
  ]);
  expect(await keptAfterRound('operations', 'kind')).toEqual(['over lately', 'under way']);
});

test('one-time tokens go a day after they expired', async () => {
  const token = (expiresAt: number, hash: string) => ({ id: newId(ago(9)), purpose: 'password', token_hash: hash.padEnd(64, '0'), created_at: new Date(ago(9)), expires_at: new Date(expiresAt) });
  await database.db('one_time_tokens').insert([token(ago(1.1), 'a'), token(ago(0.9), 'b'), token(ago(-1), 'c')]);
  expect((await keptAfterRound('one_time_tokens', 'token_hash')).map((hash) => String(hash)[0])).toEqual(['b', 'c']);
});

test('login failures go when they count no more', async () => {
  const minutes = (count: number) => ago(0) - count * 60_000;
  await database.db('login_failures').insert([16, 14].map((count) => ({ id: newId(minutes(count)), user_name: `${String(count)} minutes`, client_address: '::1', at: new Date(minutes(count)) })));
  expect(await keptAfterRound('login_failures', 'user_name')).toEqual(['14 minutes']);
});

test('events go after a year, to the millisecond', async () => {
  const events = database.unit.read.events;
  for (const [at, kind] of [[ago(400), 'ancient'], [ago(365) - 1, 'old'], [ago(365), 'a year old'], [ago(1), 'young']] as const) {
    await events.append({ kind, subjectType: 'site', subjectId: null, actor: 'master', actorUserId: null, clientAddress: null, sentence: '' }, at);
  }
  expect(await keptAfterRound('events', 'kind')).toEqual(['a year old', 'young']);
});

test('join tokens go 30 days after they were used, revoked or expired', async () => {
  const token = (note: string, facts: { readonly used_at?: Date; readonly revoked_at?: Date; readonly expires_at?: Date }) => ({
    id: newId(ago(60)), token_hash: note.padEnd(64, '0'), kind: 'dedicated', created_by_user_id: somebody, note, created_at: new Date(ago(60)), expires_at: new Date(ago(-1)), ...facts,
  });
  await database.db('join_tokens').insert([
    token('used', { used_at: new Date(ago(31)) }),
    token('used lately', { used_at: new Date(ago(29)), expires_at: new Date(ago(40)) }),
    token('revoked', { revoked_at: new Date(ago(31)) }),
    token('revoked lately', { revoked_at: new Date(ago(29)) }),
    token('expired', { expires_at: new Date(ago(31)) }),
    token('expired lately', { expires_at: new Date(ago(29)) }),
    token('open', {}),
  ]);
  expect(await keptAfterRound('join_tokens', 'note')).toEqual(['expired lately', 'open', 'revoked lately', 'used lately']);
});

test('decisions and notices go after 90 days, and what decisions were made of after 14', async () => {
  const { decisions, notices } = database.unit.read;
  const facts: Omit<DecisionRecord, 'id' | 'at' | 'kind' | 'inputsHash'> = {
    subject: { type: 'instance', id: somebody }, sentence: '', priority: null, candidates: { considered: 0, reasons: [], top: [] }, policy: 'para/para', userId: somebody, groupId: null,
  };
  for (const [days, kind, inputsHash] of [[91, 'queue', 'a'], [89, 'place', 'b'], [15, 'preempt', 'c'], [13, 'resume', 'd']] as const) {
    await decisions.keepInputs(inputsHash, Buffer.from(kind), ago(days));
    await decisions.insert({ ...facts, id: newId(ago(days)), at: new Date(ago(days)).toISOString(), kind, inputsHash });
    await notices.insert({ id: newId(ago(days)), userId: somebody, at: ago(days), kind: 'instance.preempted', subjectType: 'instance', subjectId: somebody, sentence: kind, decisionId: null });
  }
  // Those of fourteen days ago lead back to some that were kept up to an hour before.
  for (const [hash, at] of [['e', ago(14) - longestChainMs], ['f', ago(14) - longestChainMs - 1]] as const) await decisions.keepInputs(hash, Buffer.from(hash), at);
  expect(await keptAfterRound('decisions', 'kind')).toEqual(['place', 'preempt', 'resume']);
  expect(await database.db('decision_inputs').orderBy('hash').pluck('hash')).toEqual(['d', 'e']);
  expect(((await database.db('notices').pluck('sentence')) as string[]).sort()).toEqual(['place', 'preempt', 'resume']);
});

test('how long slaves were online is kept for the week that counts', async () => {
  for (const days of [9, 8, 7, 0]) await database.unit.read.presence.add(somebody, new Date(ago(days)).toISOString().slice(0, 10), 1);
  expect(await keptAfterRound('slave_presence', 'day')).toEqual([8, 7, 0].map((days) => new Date(ago(days)).toISOString().slice(0, 10)));
});

test('an instance goes with its history 90 days after it was deleted, unless a slave still owes something of it', async () => {
  const instances = { 'long gone': instance('long-gone', ago(91)), 'gone lately': instance('gone-lately', ago(89)), owed: instance('owed', ago(91)), there: instance('there', null) };
  await database.db('instances').insert(Object.values(instances));
  for (const { id } of Object.values(instances)) {
    const placement = (state: string) => ({ id: newId(ago(400)), instance_id: id, slave_id: somebody, generation: 1, state, created_at: new Date(ago(400)) });
    await database.db('placements').insert([placement('clean'), placement(id === instances.owed.id ? 'cleaning' : 'clean')]);
  }
  for (const [by, { id }] of Object.entries(instances)) {
    for (const days of [400, 399]) {
      await database.unit.read.transitions.append({ instanceId: id, at: ago(days), generation: 1, desired: 'running', from: null, to: 'requested', slaveId: null, reason: null, by });
    }
  }
  expect(await keptAfterRound('instance_transitions', 'caused_by', 3)).toEqual(['gone lately', 'gone lately', 'owed', 'owed', 'there', 'there']);
  expect(((await database.db('instances').pluck('name')) as unknown[]).sort()).toEqual(['gone-lately', 'owed', 'there']);
  expect(await database.db('placements')).toHaveLength(6);
});

test('what is more than a batch goes in several, each of them bounded', async () => {
  for (let days = 40; days < 47; days += 1) await insertCommand(ago(days));
  const sizes: number[] = [];
  database.db.on('query-response', (rows: { affectedRows?: number }, query: { sql: string }) => {
    if (query.sql.startsWith('delete from `commands`')) sizes.push(rows.affectedRows ?? Number(rows));
  });
  expect(await keptAfterRound('commands', 'created_at', 3)).toEqual([new Date(ago(29))]);
  expect(sizes).toEqual([3, 3, 1, 0]);
});
