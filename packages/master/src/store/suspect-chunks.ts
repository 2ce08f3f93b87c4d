/**
 * Chunks that were found damaged where they lie. The index still finds them, so that a repair knows its place; but who puts one again
 * has better bytes, and they are stored.
 */
export class SuspectChunks {
  private readonly names = new Set<string>();

  /** `changed` is told after each change; SuspectList keeps them over restarts. */
  constructor(private readonly changed: () => void = () => undefined) {}

  suspect(hash: Buffer): void {
    const name = hash.toString('latin1');
    if (this.names.has(name)) return;
    this.names.add(name);
    this.changed();
  }

  has(hash: Buffer): boolean {
    return this.names.size > 0 && this.names.has(hash.toString('latin1'));
  }

  /** Good bytes of it are durable, and found. */
  acquit(hash: Buffer): void {
    if (this.names.delete(hash.toString('latin1'))) this.changed();
  }

  /** Their hashes, hexadecimal. */
  all(): readonly string[] {
    return [...this.names].map((name) => Buffer.from(name, 'latin1').toString('hex'));
  }
}
