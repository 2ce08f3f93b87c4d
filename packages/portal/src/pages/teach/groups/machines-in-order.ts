import type { Instance } from '@paravcl/shared/domain/instance';

type Machine = Pick<Instance, 'userId' | 'name' | 'observed'>;

/** Machines of a group: what failed first, then by person and machine. */
export function machinesInOrder<Some extends Machine>(machines: readonly Some[], names: ReadonlyMap<string, string>, language: string): readonly Some[] {
  const collator = new Intl.Collator(language, { numeric: true });
  const rank = ({ observed }: Machine): number => (observed === 'failed' || observed === 'lost' ? 0 : 1);
  const person = ({ userId }: Machine): string => names.get(userId) ?? '';
  return [...machines].sort((a, b) => rank(a) - rank(b) || collator.compare(person(a), person(b)) || collator.compare(a.name, b.name));
}
