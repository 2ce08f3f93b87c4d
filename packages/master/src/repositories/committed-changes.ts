import type { FeedTopic } from '@paravcl/shared/api/feed';

/** What is written in the books; `pool` follows from these, and `connections` are in no book. */
export type WrittenTopic = Exclude<FeedTopic, 'pool' | 'connections'>;

/** Whom a thing shows itself to, besides those who run the site. */
export interface SeenBy {
  readonly ownerUserId: string | null;
  readonly groupId: string | null;
  /** Whose members see it as its owner does. */
  readonly sharedWithGroupId?: string | null;
  /** Whose people see it, whoever owns it. */
  readonly audience?: readonly string[];
  readonly everybody?: boolean;
}

export interface Change {
  readonly topic: FeedTopic;
  readonly id: string;
  /** Said when the books cannot say it any more: the thing is gone, or gone from these people's sight. */
  readonly seenBy?: SeenBy;
}

/** Where repositories note what they wrote. */
export interface ChangeNotes {
  note(topic: WrittenTopic, id: string, seenBy?: SeenBy): void;
}

/** For repositories of whose writes nobody is told. */
export const noNotes: ChangeNotes = { note: () => undefined };

/** What one run of a transaction wrote. A run that is repeated begins with an empty one. */
export class ChangeList implements ChangeNotes {
  readonly changes: Change[] = [];

  note(topic: WrittenTopic, id: string, seenBy?: SeenBy): void {
    this.changes.push(seenBy === undefined ? { topic, id } : { topic, id, seenBy });
  }
}

/**
 * Carries what was written to whoever listens, never before it is committed. Nothing is kept: while nobody listens it is dropped at once.
 */
export class CommittedChanges implements ChangeNotes {
  private readonly listeners = new Set<(changes: readonly Change[]) => void>();

  /** The answer ends it. */
  hear(listener: (changes: readonly Change[]) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  tell(changes: readonly Change[]): void {
    if (changes.length > 0) for (const listener of this.listeners) listener(changes);
  }

  /** Of a write outside of transactions, which is committed when it is done. */
  note(topic: WrittenTopic, id: string, seenBy?: SeenBy): void {
    this.tell([seenBy === undefined ? { topic, id } : { topic, id, seenBy }]);
  }
}
