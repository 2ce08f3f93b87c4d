/** What of XDR (RFC 4506) the calls of a migration are made of. */
export class XdrReader {
  private at = 0;
  constructor(private readonly bytes: Buffer) {}

  uint(): number {
    if (this.at + 4 > this.bytes.length) throw new Error('The arguments of a call end too soon.');
    this.at += 4;
    return this.bytes.readUInt32BE(this.at - 4);
  }

  /** Variable-length opaque data, or a string. */
  opaque(): Buffer {
    const length = this.uint();
    const padded = Math.ceil(length / 4) * 4;
    if (this.at + padded > this.bytes.length) throw new Error('The arguments of a call end too soon.');
    this.at += padded;
    return this.bytes.subarray(this.at - padded, this.at - padded + length);
  }

  skip(bytes: number): void {
    if (this.at + bytes > this.bytes.length) throw new Error('The arguments of a call end too soon.');
    this.at += bytes;
  }

  /** Throws unless all has been read. */
  end(): void {
    if (this.at !== this.bytes.length) throw new Error('The arguments of a call are longer than they should be.');
  }
}

export function xdrUint(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function xdrOpaque(value: Buffer | string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([xdrUint(bytes.length), bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}
