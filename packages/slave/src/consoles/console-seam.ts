/**
 * What a serial console printed before somebody came to read it, without what that reader reads itself. Its hypervisor writes every byte to
 * the log, and to the reader too from the moment it is connected; so what of the log is new since a look before that moment is
 *
 *   what was printed before the connection, then the beginning of what was read since
 *
 * and the longest end of it that is such a beginning is left out.
 */
export function seam(tail: Buffer, newBytes: number, live: Buffer): { readonly before: Buffer; readonly shared: number } {
  for (let shared = Math.min(newBytes, tail.length, live.length); shared > 0; shared -= 1) {
    const at = tail.length - shared;
    if (tail.compare(live, 0, shared, at) === 0) return { before: tail.subarray(0, at), shared };
  }
  return { before: tail, shared: 0 };
}
