import type { InstanceRecord } from './instance-record';

const suffixOf = (id: string): string => `-${id.slice(-12)}`;

/** What an instance is called in the books once it is deleted, so that its name is free again: digits of its id behind at most 50 characters of its name. */
export function deletedName({ id, name }: Pick<InstanceRecord, 'id' | 'name'>): string {
  return `${name.slice(0, 50)}${suffixOf(id)}`;
}

/** The name that its owner knows it by, also once it is deleted; of a longer one its first 50 characters. */
export function knownName({ id, name, observed }: Pick<InstanceRecord, 'id' | 'name' | 'observed'>): string {
  const suffix = suffixOf(id);
  return observed === 'deleted' && name.endsWith(suffix) ? name.slice(0, -suffix.length) : name;
}
