import { systemClock } from '@paravcl/shared/clock';
import { newId } from '@paravcl/shared/ids';
import type { Knex } from 'knex';
import { createHash } from 'node:crypto';
import { makeRepositories } from '../../../src/repositories/repositories';
import { instanceToRow } from '../../../src/repositories/instance-rows';
import { slaveRow, steadyDescribe, type SlaveRecord } from '../../../src/repositories/slave-record';
import { migrate } from '../../../src/db/migrate';
import { plainDescribe } from '../../it/agent-double';
import { sampleImage, sampleInstance } from '../../it/sample-records';
import { addressOf, macOf, smallSize, type Books } from './prepared-launches';

const rowsAtOnce = 1000;
const people = 700;
const hour = 3_600_000;
/** Room for half a million small instances on 5,000 of them, so that no run ends for want of it. */
const host = { cores: 128, threads: 128, ramTotalMiB: 512 * 1024, poolTotalMiB: 2_000_000 } as const;

/** Migrates an empty database and fills it: approved slaves that are online, each with so many small guests that run, whose they are, and what of. */
export async function fillBooks(db: Knex, { slaves, guests }: { readonly slaves: number; readonly guests: number }, say: (line: string) => void): Promise<Books> {
  const begun = performance.now();
  await migrate(db);
  const now = systemClock.now();
  const repositories = makeRepositories(db);
  const userIds = Array.from({ length: people }, () => newId(now));
  await inserted(db, 'users', userIds.map((id, number) => ({ id, name: `student-${String(number)}`, display_name: `Student ${String(number)}`, role: 'student', password_hash: null, primary_group_id: null, ssh_public_keys: '[]', created_at: new Date(now) })));
  const image = sampleImage({ createdByUserId: userIds[0] ?? '' });
  await repositories.images.insert(image);
  await repositories.imageFamilies.insert({ id: image.familyId, kind: 'disk', name: 'Ubuntu', description: '', versionsMade: 1, productionImageId: image.id, createdByUserId: image.createdByUserId, createdAt: now });
  const records = Array.from({ length: slaves }, (_, number) => slaveOf(number, now));
  await inserted(db, 'slaves', records.map(slaveRow));
  await inserted(db, 'slave_pulses', records.map(({ id }) => ({ slave_id: id, seen_at: new Date(now), load1: 0.5, ram_available_mib: host.ramTotalMiB - guests * smallSize.ramMiB, pool_available_mib: host.poolTotalMiB - guests * 100, clock_offset_ms: 1 })));
  say(`${String(slaves)} slaves and ${String(people)} people are in the books after ${((performance.now() - begun) / 1000).toFixed(1)} s`);
  const slavesAtOnce = Math.max(1, Math.floor(10_000 / Math.max(1, guests)));
  for (let from = 0; from < slaves; from += slavesAtOnce) {
    await fillGuests(db, records.slice(from, from + slavesAtOnce), guests, { userIds, imageId: image.id }, now);
    const filled = Math.min(slaves, from + slavesAtOnce) * guests;
    if (filled % 20_000 === 0) say(`${String(filled)} instances after ${((performance.now() - begun) / 1000).toFixed(1)} s`);
  }
  await db.raw('ANALYZE TABLE instances, placements, slaves');
  return { userIds, imageId: image.id };
}

function slaveOf(number: number, now: number): SlaveRecord {
  const id = newId(now);
  const mac = macOf(2 ** 31 + number);
  const describe = { ...plainDescribe(mac), ...host, hostname: `lab-${String(number)}`, cpuModel: 'AMD EPYC 9554 64-Core Processor', cpuFlags: ['svm', 'avx2', 'aes', 'sse4_2'], interfaces: [{ name: 'eth0', mac, physical: true, addresses: [addressOf(number)], linkSpeedMbps: 25_000 }], troubles: [] };
  return {
    id, name: `lab-${String(number).padStart(4, '0')}`, kind: 'dedicated', ownerUserId: null, maxConnections: null, admission: 'approved', admissionReason: null, liveness: 'online',
    publicKey: createHash('sha256').update(id).digest('base64url'), machineId: id.replaceAll('-', ''), macs: [mac], enrolledAddress: addressOf(number), address: addressOf(number), presented: null,
    describe: steadyDescribe(describe), foreignDomains: [], agentBuild: '0.1.0', epoch: 1, lastSeenAt: now, declaredDeadAt: null, createdAt: now - 24 * hour,
  };
}

/** Of any priority, begun within the last hours, and to end within the next; none ends while the bench runs. */
async function fillGuests(db: Knex, slaves: readonly SlaveRecord[], guests: number, { userIds, imageId }: Books, now: number): Promise<void> {
  const running = slaves.flatMap(({ id: slaveId }) => Array.from({ length: guests }, () => {
    const number = filledGuests++;
    const id = newId(now);
    const begun = now - (number % 180) * 60_000;
    return sampleInstance({
      id, name: `i-filled-${String(number)}`, userId: userIds[number % userIds.length] ?? '', imageId, ...smallSize, slaveId, observed: 'running', generation: 2, observedGeneration: 2, booted: true,
      mac: macOf(2 ** 30 + number), address: addressOf(2 ** 23 + number), createdAt: begun, changedAt: begun, minutes: 600, endsAt: begun + 10 * hour,
    });
  }));
  await inserted(db, 'instances', running.map(instanceToRow));
  await inserted(db, 'addresses', running.map(({ id, address, mac, createdAt }) => ({ address, mac, instance_id: id, created_at: new Date(createdAt) })));
  await inserted(db, 'placements', running.map(({ id, slaveId, createdAt }) => ({ id: newId(createdAt), instance_id: id, slave_id: slaveId, generation: 2, state: 'active', created_at: new Date(createdAt) })));
}

let filledGuests = 0;

async function inserted(db: Knex, table: string, rows: readonly object[]): Promise<void> {
  await db.transaction(async (transaction) => {
    for (let from = 0; from < rows.length; from += rowsAtOnce) await transaction(table).insert(rows.slice(from, from + rowsAtOnce));
  });
}

/** The same books in another database of the server. */
export async function copyBooks(db: Knex, from: string): Promise<void> {
  await migrate(db);
  await db.transaction(async (transaction) => {
    for (const table of ['users', 'images', 'image_families', 'slaves', 'slave_pulses', 'instances', 'placements']) await transaction.raw('INSERT INTO ?? SELECT * FROM ??.??', [table, from, table]);
  });
  await db.raw('ANALYZE TABLE instances, placements, slaves');
}

/** Of books that were filled before. */
export async function knownBooks(db: Knex): Promise<Books> {
  const [userIds, image] = await Promise.all([db('users').orderBy('id').pluck<string[]>('id'), db<{ id: string }>('images').first('id')]);
  if (image === undefined) throw new Error('There is no image in the books: fill them first.');
  return { userIds, imageId: image.id };
}
