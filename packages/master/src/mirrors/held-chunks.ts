/** Room for the bits of all mirrors and images together. */
export class BitRoom {
  private used = 0;

  constructor(private readonly mostBytes: number) {}

  take(bytes: number): boolean {
    if (this.used + bytes > this.mostBytes) return false;
    this.used += bytes;
    return true;
  }

  give(bytes: number): void {
    this.used -= bytes;
  }
}

/**
 * Which chunks of an image one mirror has, or is being sent: a bit for each, lowest bit of the first byte first. It may forget
 * (when there is no room for bits, nothing is remembered), and then a chunk is sent once more; it never
 * says of a chunk that it is there without having been told.
 */
export class HeldChunks {
  private bits: Uint8Array | null = null;
  private isComplete = false;

  constructor(
    private readonly chunks: number,
    private readonly room: BitRoom,
  ) {}

  has(index: number): boolean {
    return this.isComplete || ((this.bits?.[index >> 3] ?? 0) & (1 << (index & 7))) !== 0;
  }

  /** Everything that is known is what the mirror says now. Bits it does not name are not there. */
  replace(have: 'all' | Uint8Array): void {
    this.isComplete = have === 'all';
    if (have === 'all') return this.forget();
    const bits = this.own();
    if (bits === null) return;
    bits.fill(0);
    bits.set(have.subarray(0, bits.length));
  }

  add(index: number): void {
    if (this.isComplete) return;
    const bits = this.own();
    if (bits !== null) bits[index >> 3] = (bits[index >> 3] ?? 0) | (1 << (index & 7));
  }

  remove(index: number): void {
    if (this.isComplete) {
      this.isComplete = false;
      this.own()?.fill(0xff);
    }
    if (this.bits !== null) this.bits[index >> 3] = (this.bits[index >> 3] ?? 0) & ~(1 << (index & 7));
  }

  /** To be called when it is needed no more. */
  forget(): void {
    if (this.bits === null) return;
    this.room.give(this.bits.length);
    this.bits = null;
  }

  private own(): Uint8Array | null {
    const bytes = Math.ceil(this.chunks / 8);
    if (this.bits === null && this.room.take(bytes)) this.bits = new Uint8Array(bytes);
    return this.bits;
  }
}
