/** The mirror of one host that has an image open. */
export interface SpreadMember {
  readonly slaveId: string;
  /** One per slave and image. */
  readonly number: number;
  /** Where others reach it. */
  readonly address: string;
  /** Null when it serves nobody. */
  readonly port: number | null;
  readonly volunteer: boolean;
  /** It gave wrong bytes, or could not be reached lately: nobody is sent there. */
  readonly avoided: boolean;
}

/** Each member knows all of its group; larger ones would mean as many connections and changes to tell. */
export const largestGroup = 64;
/** Names given to one that asks the master for what others have. */
export const mostHolders = 3;
const weights = { dedicated: 2, volunteer: 1 } as const;

/**
 * Who shares an image with whom. All of one group know the same members with the same weights, so that each of them
 * computes the same tree for a chunk (shared/chunks/relay-tree); in each group a chunk is asked of the master about once.
 *
 * 1. Only who serves is in a group, and nobody who is avoided.
 * 2. Those in one network, a /24 or an IPv6 /64, are a group: their way to each other is the shortest.
 * 3. Those who are alone in their network make one group together.
 * 4. A group is cut into equal parts of at most `largestGroup`, in the order of numbers.
 */
export function spreadGroups(members: readonly SpreadMember[]): readonly (readonly SpreadMember[])[] {
  const serving = members.filter((member) => member.port !== null && !member.avoided).sort((one, other) => one.number - other.number);
  const byNetwork = new Map<string, SpreadMember[]>();
  for (const member of serving) {
    const network = networkOf(member.address);
    const there = byNetwork.get(network);
    if (there === undefined) byNetwork.set(network, [member]);
    else there.push(member);
  }
  const networks = [...byNetwork.values()];
  const scattered = networks.filter(({ length }) => length === 1).flat().sort((one, other) => one.number - other.number);
  return [...networks.filter(({ length }) => length > 1), ...(scattered.length > 0 ? [scattered] : [])].flatMap(equalParts);
}

/**
 * The group whose members this mirror is told: its own. One that is in none, or alone in its group, is a guest: of a group in its
 * network when there is one, else of any; guests of one image are spread over the groups. Empty when nobody serves.
 */
export function groupFor(asker: SpreadMember, groups: readonly (readonly SpreadMember[])[]): readonly SpreadMember[] {
  const own = groups.find((group) => group.some(({ number }) => number === asker.number));
  if (own !== undefined && own.length > 1) return own;
  // One that is alone in its group is a guest itself.
  const shared = groups.filter(({ length }) => length > 1);
  const network = networkOf(asker.address);
  const near = shared.filter((group) => group.every(({ address }) => networkOf(address) === network));
  const hosts = near.length > 0 ? near : shared;
  return hosts[asker.number % hosts.length] ?? groups[0] ?? [];
}

/** Its tier in the relay trees: volunteers serve least. */
export function weightOf({ volunteer }: Pick<SpreadMember, 'volunteer'>): number {
  return volunteer ? weights.volunteer : weights.dedicated;
}

/**
 * Whom of the holders of a chunk to name to one that asks the master for it, at most `mostHolders`, in this order: near before far,
 * dedicated before volunteers, those who were named least lately (`load`, any unit), then spread by the chunk.
 */
export function chooseHolders(index: number, asker: SpreadMember, holders: readonly SpreadMember[], load: (member: SpreadMember) => number): readonly SpreadMember[] {
  const network = networkOf(asker.address);
  const turn = ({ number }: SpreadMember): number => (((number - index) % 0x10000) + 0x10000) % 0x10000;
  return holders
    .filter((member) => member.port !== null && !member.avoided && member.slaveId !== asker.slaveId)
    .map((member) => ({ member, far: networkOf(member.address) === network ? 0 : 1, last: member.volunteer ? 1 : 0, load: load(member), turn: turn(member) }))
    .sort((one, other) => one.far - other.far || one.last - other.last || one.load - other.load || one.turn - other.turn)
    .slice(0, mostHolders)
    .map(({ member }) => member);
}

function equalParts(group: readonly SpreadMember[]): readonly (readonly SpreadMember[])[] {
  const parts = Math.ceil(group.length / largestGroup);
  const bound = (part: number): number => Math.floor((part * group.length) / parts);
  return Array.from({ length: parts }, (_, part) => group.slice(bound(part), bound(part + 1)));
}

/** The /24 of an IPv4 address, the /64 of an IPv6 one; whatever else is a network of its own. */
export function networkOf(address: string): string {
  const v4 = /^(?:::ffff:)?(\d{1,3}\.\d{1,3}\.\d{1,3})\.\d{1,3}$/i.exec(address);
  if (v4?.[1] !== undefined) return v4[1];
  if (!address.includes(':')) return address;
  const [bare = ''] = address.toLowerCase().split('%');
  const [head = '', tail] = bare.split('::');
  const groups = (text: string | undefined): string[] => (text === undefined || text === '' ? [] : text.split(':'));
  const [before, after] = [groups(head), groups(tail)];
  // "::" stands for as many zero groups as are missing of eight (RFC 4291 2.2).
  const all = tail === undefined ? before : [...before, ...Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0'), ...after];
  return all.slice(0, 4).map((group) => group.replace(/^0+(?=.)/, '')).join(':');
}
