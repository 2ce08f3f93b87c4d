import type { Knex } from 'knex';

const least = { mariadb: [10, 11], mysql: [8, 0] } as const;

/**
 * Why this server cannot be used, or null when it can: MariaDB ≥ 10.11 or MySQL ≥ 8.0, by the text of
 * `SELECT VERSION()`: "10.11.19-MariaDB-0+deb12u1", "8.0.43".
 */
export function judgeServerVersion(version: string): string | null {
  // MariaDB may prefix itself with 5.5.5- for clients that cannot count to ten.
  const numbers = /^(?:5\.5\.5-)?(\d+)\.(\d+)/.exec(version);
  const product = /mariadb/i.test(version) ? 'mariadb' : 'mysql';
  const [major, minor] = least[product];
  if (numbers !== null && (Number(numbers[1]) > major || (Number(numbers[1]) === major && Number(numbers[2]) >= minor))) return null;
  return `The database server is ${product === 'mariadb' ? 'MariaDB' : 'MySQL'} "${version}"; needed is MariaDB 10.11 or newer, or MySQL 8.0 or newer. Upgrade it, or leave database.dsn out to use the master's own.`;
}

/** Throws with the way out unless the server is one we can use. */
export async function requireSupportedServer(db: Knex): Promise<void> {
  const [rows] = (await db.raw('SELECT VERSION() AS version')) as [readonly { readonly version: string }[]];
  const refusal = judgeServerVersion(rows[0]?.version ?? 'unknown');
  if (refusal !== null) throw new Error(refusal);
}
