/** What an NBD connection reads: one image, read-only. */
export interface NbdExport {
  readonly sizeBytes: number;
  /** What is read at once best. */
  readonly preferredBytes: number;
  /** Told of each read before it is served. */
  noteRead(offset: number, length: number): void;
  /** Puts the bytes into `target` when they can be had without waiting for anybody; may block for the disk. */
  readHere(target: Buffer, at: number, offset: number, length: number): boolean;
  /** Rejects when they cannot be had: the client gets an I/O error. */
  read(offset: number, length: number): Promise<Buffer>;
  /** Neighbouring ranges from `offset` on that are alike, covering `length` bytes. */
  extents(offset: number, length: number): Iterable<{ readonly length: number; readonly isZero: boolean }>;
  /** The connection ended; once. */
  release(): void;
}

/** Null when there is no such export. A rejection ends the connection's attempt, not the server. */
export type OpenExport = (name: string) => Promise<NbdExport | null>;
