import { readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import type { Knex } from 'knex';

/** The repository's migrations: the same relative way from src/db and from dist/db. */
export const migrationsDirectory = resolve(__dirname, '../../../../migrations');

const load = createRequire(__filename);

/**
 * Migrations as plain `NNNN-what.js` files, each exporting `up(db)` with one DDL statement behind a guard,
 * so that one that was cut off can be run again. There is no way down: a backup is the way back.
 */
export class MigrationFiles implements Knex.MigrationSource<string> {
  constructor(private readonly directory: string) {}

  async getMigrations(): Promise<string[]> {
    const files = (await readdir(this.directory)).filter((name) => /^\d{4}-.*\.js$/.test(name)).sort();
    if (files.length === 0) throw new Error(`There are no migrations in ${this.directory}; the installation is incomplete.`);
    return files;
  }

  getMigrationName(file: string): string {
    return file;
  }

  getMigration(file: string): Promise<Knex.Migration> {
    const { up } = load(join(this.directory, file)) as Pick<Knex.Migration, 'up'>;
    return Promise.resolve({
      up,
      down: () => Promise.reject(new Error('Migrations go forward only; restore a backup instead.')),
    });
  }
}
