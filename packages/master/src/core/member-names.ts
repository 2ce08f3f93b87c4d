/** Longest host label, and room for a number or digits of the id behind it. */
const longest = 63;
const roomBehind = 13;

export interface NamedMember {
  readonly deploymentName: string;
  readonly slot: number;
  /** Null: it is named after its slot. */
  readonly userName: string | null;
  readonly instanceId: string;
}

/**
 * Host names for a member, best first: `cl-ii-07`, or `cl-ii-alice` after its owner; where that is taken in the site
 * `cl-ii-07-2`, `cl-ii-07-3`, at last with digits of its id, which nobody else has.
 */
export function memberNames({ deploymentName, slot, userName, instanceId }: NamedMember): readonly string[] {
  const ending = userName === null ? String(slot).padStart(2, '0') : label(userName);
  const beginning = label(deploymentName).slice(0, longest - roomBehind - ending.length - 1).replace(/-+$/, '');
  const name = `${beginning === '' ? 'vm' : beginning}-${ending === '' ? String(slot) : ending}`;
  const digits = instanceId.replaceAll('-', '');
  return [name, `${name}-2`, `${name}-3`, `${name}-${digits.slice(-4)}`, `${name}-${digits.slice(-12)}`];
}

/** What of a name a host label can hold. */
function label(name: string): string {
  return name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
}
