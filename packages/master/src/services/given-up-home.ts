import type { InstanceRecord } from '../core/instance-record';
import type { Repositories } from '../repositories/repositories';

/**
 * Why the RAM of an instance leaves its slave neither live nor saved, with the way out: it has a home volume open that was given up while
 * its slave was away, and that somebody else has had since, so no other slave could give it that. Null: nothing of the kind.
 */
export async function whyRamStays({ homes, slaves }: Pick<Repositories, 'homes' | 'slaves'>, { id, name, slaveId, desired }: Pick<InstanceRecord, 'id' | 'name' | 'slaveId' | 'desired'>): Promise<string | null> {
  if (slaveId === null || !(await homes.wasGivenUpUnder(id, slaveId))) return null;
  const slaveName = (await slaves.find(slaveId))?.name ?? 'its host';
  return `The RAM of ${name} has a home volume open that was given up when ${slaveName} was declared dead, so it goes on nowhere but there. ${desired === 'suspended' ? 'Resume it there to save what is open, then stop it' : 'Save what is open and stop it'}: its disk moves without the RAM.`;
}
