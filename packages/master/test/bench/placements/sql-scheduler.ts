import { systemClock } from '@paravcl/shared/clock';
import { newId } from '@paravcl/shared/ids';
import { setTimeout as delay } from 'node:timers/promises';
import type { SqlArm } from '@paravcl/workbench/bench/scheduler/durable-placements';
import { createConnection, type Connection, type ConnectionOptions, type RowDataPacket } from 'mysql2/promise';
import { escape as escaped } from 'mysql2';
import type { Knex } from 'knex';
import { serverErrorNumber, type DatabaseAddress } from '../../../src/db/connection';
import { smallSize, type Launcher } from './prepared-launches';
import type { Cell, RowsOfTable } from './rows-of-launch';
import { limits } from './master-launcher';

/** Deadlock, lock wait timeout. */
const retried: readonly (number | null)[] = [1213, 1205];
/** Room that its saved RAM takes counts as disk, as with the master. */
const need = { vcpus: smallSize.vcpus, ramMiB: smallSize.ramMiB, diskMiB: smallSize.diskMiB + smallSize.ramMiB } as const;

/** Free room by slave, as the books have it now, under an index that gives the least used first: all that the scheduler in SQL keeps beside the books. */
export async function keepHostRoom(db: Knex): Promise<void> {
  await db.raw('DROP TABLE IF EXISTS host_room');
  await db.raw(`CREATE TABLE host_room (
    slave_id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
    used_vcpus INT NOT NULL, free_vcpus INT NOT NULL, free_ram_mib INT NOT NULL, free_disk_mib INT NOT NULL,
    KEY host_room_least_used (used_vcpus, free_vcpus, free_ram_mib, free_disk_mib)
  )`);
  await db.raw(
    `INSERT INTO host_room
     SELECT s.id, COALESCE(used.vcpus, 0), FLOOR(JSON_VALUE(s.describe_data, '$.cores') * ?) - COALESCE(used.vcpus, 0),
       JSON_VALUE(s.describe_data, '$.ramTotalMiB') - ? - COALESCE(used.ram_mib, 0), JSON_VALUE(s.describe_data, '$.poolTotalMiB') - COALESCE(used.disk_mib, 0)
     FROM slaves s LEFT JOIN (SELECT slave_id, SUM(vcpus) AS vcpus, SUM(ram_mib) AS ram_mib, SUM(disk_mib + ram_mib) AS disk_mib FROM instances GROUP BY slave_id) used ON used.slave_id = s.id
     WHERE s.admission = 'approved' AND s.liveness = 'online'`,
    [limits.coreOvercommit, limits.hostRamMiB],
  );
}

/**
 * A scheduler as one writes it in SQL: in one transaction the least used host that has room is locked, its room is taken, and the same rows are
 * written that the master writes for a launch (`like`: those of one of its own, with the names and ids of this one). Each client has a connection of its own.
 */
export async function openSqlScheduler(address: DatabaseAddress, arm: SqlArm, like: readonly RowsOfTable[]): Promise<Launcher> {
  const connections = await Promise.all(Array.from({ length: arm.clients }, () => open(address)));
  const inserts = like.map((rows) => new LikeInsert(rows));
  const room = `free_vcpus >= ${String(need.vcpus)} AND free_ram_mib >= ${String(need.ramMiB)} AND free_disk_mib >= ${String(need.diskMiB)}`;
  const waitingForLocks = `SELECT slave_id FROM host_room WHERE ${room} ORDER BY used_vcpus LIMIT 1 FOR UPDATE`;
  const choose = arm.skipLocked ? `${waitingForLocks} SKIP LOCKED` : waitingForLocks;
  const take = (slaveId: string): string => `UPDATE host_room SET used_vcpus = used_vcpus + ${String(need.vcpus)}, free_vcpus = free_vcpus - ${String(need.vcpus)}, free_ram_mib = free_ram_mib - ${String(need.ramMiB)}, free_disk_mib = free_disk_mib - ${String(need.diskMiB)} WHERE slave_id = '${slaveId}'`;

  const first = async (connection: Connection, sql: string): Promise<string | null> => slaveOf((await connection.query<RowDataPacket[]>(sql))[0]);
  const chosen = async (connection: Connection): Promise<string | null> => {
    if (arm.together) return slaveOf((await connection.query<RowDataPacket[][]>(`START TRANSACTION; ${choose}`))[0][1]);
    await connection.query('START TRANSACTION');
    return first(connection, choose);
  };

  const place = async (connection: Connection, instance: { readonly id: string; readonly name: string }): Promise<string | null> => {
    // Where everything that has room is locked, one waits all the same: who skips that finds nothing.
    const slaveId = (await chosen(connection)) ?? (arm.skipLocked ? await first(connection, waitingForLocks) : null);
    if (slaveId === null) {
      await connection.query('ROLLBACK');
      return null;
    }
    const writes = [take(slaveId), ...inserts.map((insert) => insert.text({ instanceId: instance.id, name: instance.name, slaveId })), 'COMMIT'];
    if (arm.together) await connection.query(writes.join('; '));
    else for (const write of writes) await connection.query(write);
    return slaveId;
  };

  return {
    launch: async ({ instance }, client) => {
      const connection = connections[client % connections.length];
      if (connection === undefined) throw new RangeError('The scheduler in SQL has no client.');
      for (let attempt = 1; ; attempt++) {
        try {
          return { instance: { id: instance.id, slaveId: await place(connection, instance) } };
        } catch (error) {
          await connection.query('ROLLBACK');
          if (attempt === 20 || !retried.includes(serverErrorNumber(error))) throw error;
          await delay(attempt * Math.random());
        }
      }
    },
    stop: async () => {
      await Promise.all(connections.map((connection) => connection.end()));
    },
  };
}

const slaveOf = (rows: readonly unknown[] | undefined): string | null => (rows?.[0] as { readonly slave_id: string } | undefined)?.slave_id ?? null;

async function open(address: DatabaseAddress): Promise<Connection> {
  const connection = await createConnection({ ...(address as ConnectionOptions), timezone: 'Z', charset: 'utf8mb4', multipleStatements: true });
  await connection.query("SET SESSION time_zone = '+00:00', innodb_lock_wait_timeout = 10; SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED");
  return connection;
}

/** An insert of rows as a launch of the master's left them, of which everything stays but ids, names and the slave. */
class LikeInsert {
  private readonly head: string;
  /** By row and column: the text, or what stands there of the launch itself. */
  private readonly cells: readonly (readonly (string | 'row id' | 'instanceId' | 'name' | 'slaveId')[])[];

  constructor({ table, rows }: RowsOfTable) {
    const columns = Object.keys(rows[0] ?? {});
    this.head = `INSERT INTO ${table} (${columns.map((column) => `\`${column}\``).join(', ')}) VALUES `;
    this.cells = rows.map((row) => columns.map((column) => cell(table, column, row[column] ?? null)));
  }

  text(launch: { readonly instanceId: string; readonly name: string; readonly slaveId: string }): string {
    const now = systemClock.now();
    const rows = this.cells.map((row) => `(${row.map((each) => (each === 'row id' ? `'${newId(now)}'` : each === 'instanceId' || each === 'name' || each === 'slaveId' ? `'${launch[each]}'` : each)).join(', ')})`);
    return this.head + rows.join(', ');
  }
}

function cell(table: string, column: string, value: Cell): string {
  if (column === 'instance_id' || column === 'subject_id' || (table === 'instances' && column === 'id')) return 'instanceId';
  if (column === 'id') return 'row id';
  if (table === 'instances' && column === 'name') return 'name';
  if (column === 'slave_id' && value !== null) return 'slaveId';
  return escaped(value, false, 'Z');
}
