import { ParavclError } from '@paravcl/shared/errors';
import type { InstanceRecord } from '../core/instance-record';
import type { Repositories } from '../repositories/repositories';

/** Throws `conflict` with the way out while the instance goes to another slave as it runs: until it is known who has it, nothing can be made of its disk. */
export async function requireNoMigration({ liveMigrations, slaves }: Repositories, { id, name }: Pick<InstanceRecord, 'id' | 'name'>): Promise<void> {
  const migration = (await liveMigrations.openOf([id])).get(id);
  if (migration === undefined) return;
  const to = (await slaves.find(migration.toSlaveId))?.name ?? 'another host';
  throw new ParavclError('conflict', `${name} moves to ${to} while it runs. Ask again when it is there, which takes minutes; its host is shown with it.`);
}
