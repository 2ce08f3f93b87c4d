import type { Placeable, PlacementPolicy, PlacementWorld } from './core/rank';
import type { SlaveView } from './core/snapshot';

/** Tries a placement module on a few slaves before the site relies on it. */

const room = (vcpus: number, ramMiB: number) => ({ vcpus, ramMiB, diskMiB: ramMiB * 20, bandwidthMbps: 0 });

const sample = (id: string, facts: Partial<SlaveView>): SlaveView => ({
  id,
  name: id,
  kind: 'dedicated',
  contributing: false,
  registeredAt: Date.UTC(2026, 0, 1),
  admission: 'approved',
  liveness: 'online',
  connected: true,
  hypervisor: { usable: true, why: 'KVM runs guests' },
  troubles: [],
  clockWrong: null,
  capacity: room(8, 16_384),
  poolAvailableMiB: 200_000,
  promised: room(0, 0),
  running: [],
  bookings: [],
  saveMiBPerSecond: 40,
  ...facts,
});

const busy: Partial<SlaveView> = {
  promised: room(4, 4096),
  running: [
    {
      id: 'instance-1', name: 'lab-guest', type: 'BE', userId: 'user-1', groupId: 'group-1', generation: 1, observed: 'running', need: room(4, 4096),
      pi: 7.5, since: Date.UTC(2026, 0, 2), endsAt: null, leaving: false, sparedUntil: null,
    },
  ],
  bookings: [
    { reservationId: 'reservation-1', ownerName: 'CL II', slot: 0, start: Date.UTC(2026, 0, 3, 9), end: Date.UTC(2026, 0, 3, 11), need: room(2, 2048), instanceId: null },
  ],
};

/** Two of them are told apart by their ids alone, two more by their names. */
const slaves: readonly SlaveView[] = [
  sample('slave-1', {}),
  sample('slave-2', { name: 'slave-1' }),
  sample('slave-3', busy),
  sample('slave-4', { ...busy, capacity: room(64, 262_144) }),
  sample('slave-5', { kind: 'volunteer', contributing: true, registeredAt: Date.UTC(2026, 1, 1) }),
  sample('slave-6', { kind: 'volunteer', contributing: true, registeredAt: Date.UTC(2026, 2, 1), ...busy }),
  sample('slave-7', { kind: 'volunteer' }),
];
const instances: readonly Placeable[] = [
  { type: 'BE', groupId: null, need: room(1, 512) },
  { type: 'BE', groupId: 'group-1', need: room(2, 2048) },
  { type: 'AR', groupId: 'group-1', need: room(2, 2048) },
];
const worlds: readonly PlacementWorld[] = [
  { slaves, lastPlacedOn: null },
  { slaves, lastPlacedOn: 'slave-3' },
];

/** What a policy is asked: each of the instances, in each of the worlds. */
export function sampleQuestions(): readonly { readonly slaves: readonly SlaveView[]; readonly instance: Placeable; readonly world: PlacementWorld }[] {
  return worlds.flatMap((world) => instances.map((instance) => ({ slaves, instance, world })));
}

/** The first thing that is wrong with the policy, as the end of a sentence about it; null when nothing is. */
export function policyFault(policy: PlacementPolicy): string | null {
  for (const { instance, world } of sampleQuestions()) {
    const fault = orderFault(policy, instance, world) ?? scoreFault(policy, instance, world);
    if (fault !== null) return fault;
  }
  return null;
}

function orderFault(policy: PlacementPolicy, instance: Placeable, world: PlacementWorld): string | null {
  const of = (a: SlaveView, b: SlaveView): number => Math.sign(policy.compare(a, b, instance, world));
  for (const a of slaves) {
    if (of(a, a) !== 0) return `compare(a, a) is not 0 for ${a.id}: a host is as good as itself`;
    for (const b of slaves) {
      if (of(a, b) !== of(a, b)) return `compare answers twice differently about ${a.id} and ${b.id}: it must depend on nothing but what it is given`;
      if (a !== b && of(a, b) === 0) return `compare is 0 for ${a.id} and ${b.id}, which are two: end it with the name and the id`;
      if (of(a, b) !== 0 - of(b, a)) return `compare finds ${a.id} and ${b.id} each better, or each worse, than the other`;
      const circle = slaves.find((c) => of(a, b) < 0 && of(b, c) < 0 && of(a, c) >= 0);
      if (circle !== undefined) return `compare goes in a circle: ${a.id} before ${b.id}, ${b.id} before ${circle.id}, ${circle.id} before ${a.id}`;
    }
  }
  return null;
}

function scoreFault(policy: PlacementPolicy, instance: Placeable, world: PlacementWorld): string | null {
  for (const a of slaves) {
    for (const b of slaves) {
      const [of, other] = [policy.score(a, instance, world).score, policy.score(b, instance, world).score];
      if (policy.compare(a, b, instance, world) < 0 && of > other) return `score(${a.id}) is ${of} and score(${b.id}) is ${other}, though compare finds ${a.id} better: smaller is better`;
    }
  }
  return null;
}
