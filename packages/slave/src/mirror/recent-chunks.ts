/** Chunks that came a moment ago: other hosts ask for them now, and need not wait for the disk. */
export class RecentChunks {
  private readonly chunks = new Map<string, Buffer>();
  private bytes = 0;

  constructor(private readonly mostBytes: number) {}

  get(manifest: string, index: number): Buffer | null {
    return this.chunks.get(`${manifest}:${index}`) ?? null;
  }

  /** The oldest ones go for it. Whoever gives it leaves its bytes as they are. */
  put(manifest: string, index: number, chunk: Buffer): void {
    const key = `${manifest}:${index}`;
    if (this.chunks.has(key)) return;
    this.chunks.set(key, chunk);
    this.bytes += chunk.length;
    for (const [oldest, { length }] of this.chunks) {
      if (this.bytes <= this.mostBytes) return;
      this.chunks.delete(oldest);
      this.bytes -= length;
    }
  }

  /** The image is no longer here. */
  forget(manifest: string): void {
    for (const [key, { length }] of this.chunks) {
      if (!key.startsWith(`${manifest}:`)) continue;
      this.chunks.delete(key);
      this.bytes -= length;
    }
  }
}
