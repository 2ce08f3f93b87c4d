/**
 * Chunks that were found damaged where they lie. The index still finds them, so that a repair knows its place; but who puts one again
 * has better bytes, and they are stored. Known to this process only: the next verification finds them again.
 */
export class SuspectChunks {
  private readonly names = new Set<string>();

  suspect(hash: Buffer): void {
    this.names.add(hash.toString('latin1'));
  }

  has(hash: Buffer): boolean {
    return this.names.size > 0 && this.names.has(hash.toString('latin1'));
  }

  /** Good bytes of it are durable, and found. */
  acquit(hash: Buffer): void {
    this.names.delete(hash.toString('latin1'));
  }
}
