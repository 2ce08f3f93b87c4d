import type { Rules, SlaveView } from '@paravcl/master/core/snapshot';
import { SeededRandom } from '../recovery/seeded-random';

/** The scheduler's settings as they are by default (docs/operations.md), in UTC. */
export const usualRules: Rules = {
  criticalShare: 0.05,
  noShowGraceMs: 15 * 60_000,
  shortestLoanMs: 5 * 60_000,
  saveOverheadMs: 10_000,
  saveSafety: 2,
  horizonMs: 15 * 86_400_000,
  agingPerHour: 0.2,
  timeZone: 'UTC',
};

const hostRamMiB = 512;

/** The computers of a lab: two of three with 8 cores and 16 GiB, the others with half of it; one of ten is lent by a volunteer. Their disks save 40 to 160 MiB/s. */
export function drawHosts(count: number, seed: number): readonly SlaveView[] {
  const random = new SeededRandom(seed ^ 0x5eed);
  return Array.from({ length: count }, (_, n): SlaveView => {
    const id = `lab-${String(n + 1).padStart(3, '0')}`;
    const small = random.chance(1 / 3);
    const volunteer = random.chance(0.1);
    const capacity = { vcpus: small ? 4 : 8, ramMiB: (small ? 8192 : 16_384) - hostRamMiB, diskMiB: small ? 200_000 : 400_000, bandwidthMbps: 1000 };
    return {
      id, name: id, kind: volunteer ? 'volunteer' : 'dedicated', contributing: volunteer, registeredAt: n, admission: 'approved', liveness: 'online', connected: true,
      hypervisor: { usable: true, why: 'simulated' }, troubles: [], clockWrong: null,
      capacity, poolAvailableMiB: capacity.diskMiB, promised: { vcpus: 0, ramMiB: 0, diskMiB: 0, bandwidthMbps: 0 }, running: [], bookings: [],
      saveMiBPerSecond: random.between(40, 160),
    };
  });
}

/** How much longer than predicted each save takes: evenly 0.5 to `longest` times, the same for the same seed and number. */
export function drawnSaveFactor(seed: number, longest = 2): (save: number) => number {
  return (save) => 0.5 + (longest - 0.5) * new SeededRandom((seed + Math.imul(save + 1, 0x9e3779b1)) >>> 0).next();
}
