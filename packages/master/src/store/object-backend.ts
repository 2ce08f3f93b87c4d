/**
 * Where the store keeps its objects: a few large ones, written once, never changed. Keys are `directory/name`.
 *
 * Invariant of every backend: `put` answers when the object is durable; before that nobody sees any of it, also
 * not after a crash.
 */
export interface ObjectBackend {
  /** On whose file system the objects take room; null when they lie on another machine. */
  readonly directory: string | null;
  /** Makes it ready, and clears away what a crash left half written. */
  open(): Promise<void>;
  /** Gives back what is kept open for reading. */
  close(): Promise<void>;
  /** The pieces one after another as one object. Throws `storage-full`. */
  put(key: string, pieces: readonly Buffer[]): Promise<void>;
  /** Exactly these bytes. Throws ObjectMissing, or a RangeError when the object ends before them. */
  read(key: string, offset: number, length: number): Promise<Buffer>;
  /** As `read`, of what lies under the key now: a file that is kept open outlives its deletion, and nobody would miss it before the next start. */
  readAnew(key: string, offset: number, length: number): Promise<Buffer>;
  /** In order of their keys, which start with `prefix`. */
  list(prefix: string): Promise<readonly StoredObject[]>;
  /** Quiet when there is no such object. */
  delete(key: string): Promise<void>;
}

export interface StoredObject {
  readonly key: string;
  readonly bytes: number;
}

/** There is no object of this key, or none any more. */
export class ObjectMissing extends Error {
  override readonly name = 'ObjectMissing';
  constructor(readonly key: string) {
    super(`The store has no object ${key}.`);
  }
}

const keyPattern = /^[a-z]+\/[0-9a-z-]+$/;

/** Throws a RangeError for what no key can be: a key becomes a path, or part of an address. */
export function checkKey(key: string): void {
  if (!keyPattern.test(key)) throw new RangeError(`"${key}" is no key of an object.`);
}
