/** How much of the end of what was shown is looked for again. Long enough that a prompt is not taken for it. */
const soughtBytes = 512;

/**
 * Finds where a serial console goes on: a new connection begins with the end of what the guest printed, most of which is on the page
 * already. `seen` is the end of what was shown, `heard` what the new connection has brought so far. Returns what is new in `heard`, or null
 * while it cannot be said: then more may come, or something was printed meanwhile that is not to be had (a gap).
 */
export function goesOn(seen: Uint8Array, heard: Uint8Array): Uint8Array | null {
  if (seen.length === 0) return heard;
  const sought = seen.subarray(-soughtBytes);
  // The first place, not the last: rather a line twice than a line lost.
  for (let from = 0; from + sought.length <= heard.length; from += 1) {
    let same = 0;
    while (same < sought.length && heard[from + same] === sought[same]) same += 1;
    if (same === sought.length) return heard.subarray(from + sought.length);
  }
  return null;
}

/** The end of both, as much as is looked for later. */
export function endOf(seen: Uint8Array, more: Uint8Array): Uint8Array {
  return joined([seen.subarray(-soughtBytes), more]).slice(-soughtBytes);
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
