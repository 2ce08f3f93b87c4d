import type { MigrationStanding, ObservedInstance } from '@paravcl/shared/protocol/desired-instance';
import type { InstanceRecord } from '../core/instance-record';
import type { LiveMigration } from '../core/live-migration';
import { fit } from '../core/say';
import type { Repositories } from '../repositories/repositories';

/**
 * Takes a report about an instance that goes to another slave while it runs for what it is: the word of one of the two slaves about
 * the migration, not about the instance, which is as it was for its owner. The instance is locked. Null: it is none of that,
 * and is judged as any other.
 */
export async function hearMigration({ liveMigrations }: Repositories, slave: { readonly id: string }, instance: InstanceRecord, report: ObservedInstance): Promise<'news' | 'known' | null> {
  const isOrdinary = report.migration === undefined && instance.slaveId === slave.id && report.generation <= instance.generation;
  // Of what is to be deleted nothing counts but that nothing of it remains.
  if (isOrdinary || instance.desired === 'deleted') return null;
  const migration = (await liveMigrations.openOf([instance.id])).get(instance.id);
  // The last word about one that is over, by who has the instance still: it has newer orders.
  if (migration === undefined) return report.migration !== undefined && instance.slaveId === slave.id && report.generation < instance.generation ? 'known' : null;
  const side = sideOf(migration, slave.id, report);
  if (side === null) return null;
  const said = side === 'early' ? null : saidBy(side, migration, report);
  if (side === 'early' || said === null) return 'known';
  const why = report.reason === null ? null : fit(report.reason.sentence);
  const before = side === 'source' ? { said: migration.sourceSaid, why: migration.sourceWhy } : { said: migration.destinationSaid, why: migration.destinationWhy };
  if (before.said === said && before.why === why) return 'known';
  await liveMigrations.say(migration.id, side, said, why);
  return before.said === said ? 'known' : 'news';
}

/** `early`: the destination says what it had of the instance before it was ordered to receive it. */
function sideOf(migration: LiveMigration, slaveId: string, { generation }: ObservedInstance): 'source' | 'destination' | 'early' | null {
  if (slaveId === migration.fromSlaveId) return migration.state === 'sending' && generation === migration.sentGeneration ? 'source' : null;
  if (slaveId !== migration.toSlaveId || generation > migration.arrivalGeneration) return null;
  return generation === migration.arrivalGeneration ? 'destination' : 'early';
}

/** What fails while it is made ready is not going to arrive. */
function saidBy(side: 'source' | 'destination', { id }: LiveMigration, { migration, state }: ObservedInstance): MigrationStanding | null {
  const standing = migration?.id === id ? migration.standing : null;
  return side === 'destination' && state === 'failed' && standing !== 'arrived' ? 'stayed' : standing;
}
