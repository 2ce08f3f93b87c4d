export interface ByteRange {
  readonly first: number;
  /** Null: to the end. */
  readonly last: number | null;
}

/**
 * The one range of a Range header (RFC 9110 14.2). Null when there is none, or one we do not serve
 * (several ranges, the last n bytes): the whole is sent then, which the RFC allows for any range.
 */
export function parseByteRange(header: string | undefined): ByteRange | null {
  const match = /^bytes=(\d{1,15})-(\d{1,15})?$/.exec(header?.trim() ?? '');
  if (match?.[1] === undefined) return null;
  const first = Number(match[1]);
  const last = match[2] === undefined ? null : Number(match[2]);
  return last !== null && last < first ? null : { first, last };
}
