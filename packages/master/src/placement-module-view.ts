import type { Placeable, PlacementWorld } from './core/rank';
import type { Room, SlaveView } from './core/snapshot';

/**
 * What a placement module of the site's own is given: copies of what the scheduler knows, frozen to the bottom, so that
 * no module can change a plan other than by its answer. The documented contract (docs/examples/placement-by-name.js):
 * fields may be added, none is taken away or changes its meaning.
 */
export interface ModuleSlave {
  readonly id: string;
  readonly name: string;
  readonly kind: SlaveView['kind'];
  readonly contributing: boolean;
  /** Milliseconds since 1970, UTC, as every time here. */
  readonly registeredAt: number;
  readonly capacity: Room;
  /** Of the capacity, promised to instances. */
  readonly promised: Room;
  readonly running: readonly { readonly id: string; readonly type: 'BE' | 'AR'; readonly groupId: string | null; readonly pi: number; readonly endsAt: number | null; readonly need: Room }[];
  readonly bookings: readonly { readonly reservationId: string; readonly start: number; readonly end: number; readonly claimed: boolean; readonly need: Room }[];
  readonly saveMiBPerSecond: number;
}

export interface ModuleWorld {
  readonly slaves: readonly ModuleSlave[];
  /** Id of the slave of the newest placement; null before the first. */
  readonly lastPlacedOn: string | null;
}

// A plan compares the same slaves many times over.
const slavesSeen = new WeakMap<SlaveView, ModuleSlave>();
const worldsSeen = new WeakMap<PlacementWorld, ModuleWorld>();

export function moduleSlave(slave: SlaveView): ModuleSlave {
  const seen = slavesSeen.get(slave);
  if (seen !== undefined) return seen;
  const { id, name, kind, contributing, registeredAt, saveMiBPerSecond } = slave;
  const copy = frozen<ModuleSlave>({
    id,
    name,
    kind,
    contributing,
    registeredAt,
    capacity: { ...slave.capacity },
    promised: { ...slave.promised },
    running: slave.running.map((instance) => ({ id: instance.id, type: instance.type, groupId: instance.groupId, pi: instance.pi, endsAt: instance.endsAt, need: { ...instance.need } })),
    bookings: slave.bookings.map(({ reservationId, start, end, instanceId, need }) => ({ reservationId, start, end, claimed: instanceId !== null, need: { ...need } })),
    saveMiBPerSecond,
  });
  slavesSeen.set(slave, copy);
  return copy;
}

export function moduleWorld(world: PlacementWorld): ModuleWorld {
  const seen = worldsSeen.get(world);
  if (seen !== undefined) return seen;
  const copy = Object.freeze({ slaves: Object.freeze(world.slaves.map(moduleSlave)), lastPlacedOn: world.lastPlacedOn });
  worldsSeen.set(world, copy);
  return copy;
}

export function moduleInstance({ type, groupId, need }: Placeable): Placeable {
  return frozen({ type, groupId, need: { ...need } });
}

/** `value` and everything in it, frozen. */
function frozen<T extends object>(value: T): T {
  for (const part of Object.values(value) as unknown[]) {
    if (typeof part === 'object' && part !== null) frozen(part);
  }
  return Object.freeze(value);
}
