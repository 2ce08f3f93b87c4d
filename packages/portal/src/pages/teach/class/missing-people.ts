import type { User } from '@paravcl/shared/domain/people';
import type { Tile } from './class-tile';

type Person = Pick<User, 'id' | 'disabled'>;

/** Those of a group who can log in and have neither a machine of the class nor a place for one. What was refused, taken back or deleted is none. */
export function missingPeople<Some extends Person>(people: readonly Some[], tiles: readonly Pick<Tile, 'userId' | 'state'>[]): readonly Some[] {
  const none = new Set<Tile['state']>(['refused', 'cancelled', 'deleted']);
  const have = new Set(tiles.filter(({ state }) => !none.has(state)).map(({ userId }) => userId));
  return people.filter(({ id, disabled }) => !disabled && !have.has(id));
}
