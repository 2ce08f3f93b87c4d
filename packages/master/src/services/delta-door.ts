/** A frozen disk that a pending snapshot waits for, as its host sends it. */
export interface ExpectedDelta {
  /** Size of the guest's disk. */
  readonly diskBytes: number;
  /** All of it came already, and was taken down; the host may not have heard so. */
  readonly isHere: boolean;
}

/** What the master waits for of its hosts' disks: snapshots and home volumes answer. */
export interface DeltaDoor {
  /** Null when no pending snapshot waits for what this slave could send as this image. */
  expected(slaveId: string, imageId: string): Promise<ExpectedDelta | null>;
  /** All of it lies among the uploads, with the size and the SHA-256 that its host named. Quiet when nobody waits for it any more. */
  received(imageId: string): Promise<void>;
  /** There is no room for it, which its host cannot mend by trying again. Quiet when nobody waits for it any more. */
  refused(imageId: string, sentence: string): Promise<void>;
}

/** The first that waits for a disk answers for it; all are told what came, for none minds what is not its own. */
export class DeltaDoors implements DeltaDoor {
  constructor(private readonly doors: readonly DeltaDoor[]) {}

  async expected(slaveId: string, imageId: string): Promise<ExpectedDelta | null> {
    for (const door of this.doors) {
      const expected = await door.expected(slaveId, imageId);
      if (expected !== null) return expected;
    }
    return null;
  }

  async received(imageId: string): Promise<void> {
    for (const door of this.doors) await door.received(imageId);
  }

  async refused(imageId: string, sentence: string): Promise<void> {
    for (const door of this.doors) await door.refused(imageId, sentence);
  }
}
