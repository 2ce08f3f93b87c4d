/** A bit for each of a fixed number of things, lowest bit of the first byte first, and how many are set. */
export class Bitmap {
  private bits: Buffer;
  private set = 0;

  /** @param bytes as `copy` gave them; of another length: none is set. Bits beyond the end are ignored. */
  constructor(
    readonly length: number,
    bytes?: Buffer,
  ) {
    const size = Math.ceil(length / 8);
    this.bits = bytes?.length === size ? Buffer.from(bytes) : Buffer.alloc(size);
    const spare = size * 8 - length;
    if (size > 0) this.bits[size - 1] = (this.bits[size - 1] ?? 0) & (0xff >> spare);
    for (const byte of this.bits) this.set += bitsOf[byte] ?? 0;
  }

  get count(): number {
    return this.set;
  }

  get isFull(): boolean {
    return this.set === this.length;
  }

  has(index: number): boolean {
    return ((this.bits[index >> 3] ?? 0) & (1 << (index & 7))) !== 0;
  }

  /** Every one from `first` to `last`, both included. */
  hasAll(first: number, last: number): boolean {
    for (let index = first; index <= last; index += 1) if (!this.has(index)) return false;
    return true;
  }

  /** False when it was set before, or is none of these. */
  add(index: number): boolean {
    if (index < 0 || index >= this.length || this.has(index)) return false;
    this.bits[index >> 3] = (this.bits[index >> 3] ?? 0) | (1 << (index & 7));
    this.set += 1;
    return true;
  }

  remove(index: number): boolean {
    if (!this.has(index)) return false;
    this.bits[index >> 3] = (this.bits[index >> 3] ?? 0) & ~(1 << (index & 7));
    this.set -= 1;
    return true;
  }

  copy(): Buffer {
    return Buffer.from(this.bits);
  }

  /** A copy of a part of its bytes. */
  bytes(start: number, end: number): Buffer {
    return Buffer.from(this.bits.subarray(start, end));
  }
}

const bitsOf = Uint8Array.from({ length: 256 }, (_, byte) => [...byte.toString(2)].filter((bit) => bit === '1').length);
