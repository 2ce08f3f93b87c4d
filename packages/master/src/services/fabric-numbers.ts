import type { UnitOfWork } from '../db/unit-of-work';
import type { FabricKind, FabricNumber } from '../repositories/fabric-repository';

/** The first of each kind. Images begin where those of the original did, so that they are not easily taken for hosts. */
const firsts: Readonly<Record<FabricKind, number>> = { vm: 1, pm: 1, image: 100 };

/**
 * The small numbers by which the Fabric API knows VMs, hosts and images. Each kind counts up by itself under the lock of its counter;
 * a thing gets its number when it is first told of, keeps it for ever, and no other thing ever has it.
 */
export class FabricNumbers {
  constructor(private readonly unit: UnitOfWork) {}

  /** What has none yet is given one, in the order of `subjectIds`. */
  async of(kind: FabricKind, subjectIds: readonly string[]): Promise<ReadonlyMap<string, FabricNumber>> {
    const known = await this.unit.read.fabric.numbersOf(kind, subjectIds);
    const unnumbered = subjectIds.filter((id) => !known.has(id));
    if (unnumbered.length === 0) return known;
    const made = await this.unit.transaction(async ({ fabric }) => {
      const last = await fabric.lockCounter(kind);
      // Somebody may have been faster, and is seen now.
      const others = await fabric.numbersOf(kind, unnumbered);
      const first = Math.max(last + 1, firsts[kind]);
      const fresh = unnumbered.filter((id) => !others.has(id)).map((subjectId, i): FabricNumber => ({ number: first + i, subjectId, tid: null }));
      if (fresh.length > 0) {
        await fabric.insertNumbers(kind, fresh);
        await fabric.setCounter(kind, first + fresh.length - 1);
      }
      return [...others.values(), ...fresh];
    });
    return new Map([...known, ...made.map((each) => [each.subjectId, each] as const)]);
  }

  /** For a VM that is about to be made. */
  async reserveVm(subjectId: string, tid: number): Promise<number> {
    return this.unit.transaction(async ({ fabric }) => {
      const number = Math.max((await fabric.lockCounter('vm')) + 1, firsts.vm);
      await fabric.insertNumbers('vm', [{ number, subjectId, tid }]);
      await fabric.setCounter('vm', number);
      return number;
    });
  }

  /** Nothing came of it. */
  async forget(kind: FabricKind, subjectId: string): Promise<void> {
    await this.unit.read.fabric.removeNumber(kind, subjectId);
  }

  /** What the number stands for; null: nothing has it. */
  async find(kind: FabricKind, number: number): Promise<FabricNumber | null> {
    return this.unit.read.fabric.find(kind, number);
  }
}
