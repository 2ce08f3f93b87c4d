import type { Recount } from '@paravcl/workbench/bench/scheduler/durable-placements';
import type { Knex } from 'knex';
import { limits } from './master-launcher';

const rowsAtOnce = 5000;

/** What was answered: the slave by the instance. */
export type Answered = ReadonlyMap<string, string>;

/**
 * Counts from the books alone, by SQL of its own, what must not be: more promised on a slave than it has, an instance placed twice, an answer of
 * which the books know nothing. Disk counts with the room that saved RAM takes there, as the master promises it.
 */
export async function recount(db: Knex, after: string, answered: Answered): Promise<Recount> {
  return db.transaction(async (books) => {
    const count = async (sql: string, bindings: readonly number[] = []): Promise<number> => {
      const [[row]] = (await books.raw(`SELECT COUNT(*) AS found FROM (${sql}) AS wrong`, [...bindings])) as [[{ readonly found: number | string }]];
      return Number(row.found);
    };
    await books.raw('CREATE TEMPORARY TABLE answered (instance_id CHAR(36) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY, slave_id CHAR(36) COLLATE utf8mb4_bin NOT NULL)');
    const rows = [...answered].map(([id, slave]) => ({ instance_id: id, slave_id: slave }));
    for (let from = 0; from < rows.length; from += rowsAtOnce) await books('answered').insert(rows.slice(from, from + rowsAtOnce));
    const found = {
      after,
      answered: answered.size,
      overbooked: await count(
        `SELECT s.id FROM slaves s JOIN (
           SELECT p.slave_id, SUM(i.vcpus) AS vcpus, SUM(i.ram_mib) AS ram_mib, SUM(i.disk_mib + i.ram_mib) AS disk_mib
           FROM placements p JOIN instances i ON i.id = p.instance_id WHERE p.state IN ('active', 'cleaning') GROUP BY p.slave_id
         ) promised ON promised.slave_id = s.id
         WHERE promised.vcpus > FLOOR(JSON_VALUE(s.describe_data, '$.cores') * ?) OR promised.ram_mib > JSON_VALUE(s.describe_data, '$.ramTotalMiB') - ? OR promised.disk_mib > 0 + JSON_VALUE(s.describe_data, '$.poolTotalMiB')`,
        [limits.coreOvercommit, limits.hostRamMiB],
      ),
      placedTwice: await count(
        `SELECT i.id FROM instances i LEFT JOIN placements p ON p.instance_id = i.id AND p.state = 'active'
         GROUP BY i.id, i.slave_id HAVING COUNT(p.id) > 1 OR (i.slave_id IS NULL) <> (COUNT(p.id) = 0) OR SUM(p.slave_id <> i.slave_id) > 0`,
      ),
      lost: await count('SELECT a.instance_id FROM answered a LEFT JOIN instances i ON i.id = a.instance_id AND i.slave_id = a.slave_id WHERE i.id IS NULL'),
      incomplete: await count(
        `SELECT a.instance_id FROM answered a WHERE
           (SELECT COUNT(*) FROM placements p WHERE p.instance_id = a.instance_id AND p.slave_id = a.slave_id) <> 1
           OR (SELECT COUNT(*) FROM decisions d WHERE d.subject_id = a.instance_id AND d.kind = 'place') <> 1
           OR (SELECT COUNT(*) FROM events e WHERE e.subject_id = a.instance_id AND e.kind = 'instance.created') <> 1`,
      ),
    };
    await books.raw('DROP TEMPORARY TABLE answered');
    return found;
  });
}
