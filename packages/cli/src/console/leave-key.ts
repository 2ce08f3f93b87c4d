/** Ctrl-], as telnet and `virsh console` have it. */
const leave = 0x1d;

/** What is typed, up to the key that leaves; `left` when it was typed. */
export function typedUntilLeft(typed: Buffer): { readonly forGuest: Buffer; readonly left: boolean } {
  const at = typed.indexOf(leave);
  return at < 0 ? { forGuest: typed, left: false } : { forGuest: typed.subarray(0, at), left: true };
}
