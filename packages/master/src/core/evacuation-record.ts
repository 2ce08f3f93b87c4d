import type { EpochMs } from '@paravcl/shared/clock';

/** A slave that is being emptied, or was. */
export interface EvacuationRecord {
  /** Of the operation that people follow; how it ended stands there. */
  readonly operationId: string;
  readonly slaveId: string;
  /** Who asked: what leaves is moved in their name. */
  readonly userId: string;
  readonly clientAddress: string;
  /** `returning`: it was called off, and what was saved for it is still to go on. */
  readonly state: 'pending' | 'returning' | 'ended';
  readonly createdAt: EpochMs;
}

/** One instance that was on the slave. */
export interface EvacuationPart {
  readonly operationId: string;
  readonly instanceId: string;
  readonly instanceName: string;
  /** `stayed`: nothing more is done about it. */
  readonly state: 'here' | 'left' | 'stayed';
  /**
   * What it was made to be although it was to run: it goes on as soon as it has left, without anybody asking. Null: it was saved or off
   * anyway. When something else is desired of it by then, somebody asked for that, and the wish is void.
   */
  readonly resumes: 'suspended' | 'stopped' | null;
  /** Operation of its newest move, kept before the move is asked for; null before the first. */
  readonly moveId: string | null;
  /** Moves that were begun since it was saved. */
  readonly tries: number;
  /** Generation under which its move was refused; under a newer one it is asked again. */
  readonly refusedAt: number | null;
  /** Why it was refused. */
  readonly sentence: string | null;
}

/** One of which nothing was done yet. */
export function untouchedPart(of: Pick<EvacuationPart, 'operationId' | 'instanceId' | 'instanceName'>): EvacuationPart {
  return { ...of, state: 'here', resumes: null, moveId: null, tries: 0, refusedAt: null, sentence: null };
}
