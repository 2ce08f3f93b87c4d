/**
 * Where the master may log in. It asks in other people's name from inside the site's network (SSRF), so only addresses of the networks
 * that the configuration names are dialled, and of those never the master itself, its neighbours on the link or what is no single host,
 * unless the configuration names exactly that one address.
 */

/** An address as bits: IPv4 32, IPv6 128. */
interface Bits {
  readonly width: 32 | 128;
  readonly value: bigint;
}

interface Network extends Bits {
  readonly prefix: number;
}

export interface DialRules {
  /** As in 10.0.0.0/8, 10.0.0.7, fc00::/7. */
  readonly networks: readonly string[];
  readonly ports: readonly number[];
  /** Of the master's own interfaces. */
  readonly ownAddresses: readonly string[];
}

/** What is never a host to install, whatever larger network holds it. */
const never: readonly (readonly [string, string])[] = [
  ['0.0.0.0/8', 'an unspecified address'],
  ['127.0.0.0/8', 'a loopback address, which is the master itself'],
  ['169.254.0.0/16', 'a link-local address'],
  ['224.0.0.0/4', 'a multicast address'],
  ['240.0.0.0/4', 'a reserved or broadcast address'],
  ['::/128', 'an unspecified address'],
  ['::1/128', 'a loopback address, which is the master itself'],
  ['fe80::/10', 'a link-local address'],
  ['ff00::/8', 'a multicast address'],
  // RFC 4291 2.5.5, RFC 6052, RFC 3056: IPv4 addresses in other clothes.
  ['::/96', 'an IPv4 address written as IPv6'],
  ['64:ff9b::/96', 'an IPv4 address written as IPv6'],
  ['2002::/16', 'an IPv4 address written as IPv6'],
];

/** Null: hosts may be dialled at that port. Else why not, naming the limit and the way out. */
export function portRefusal(port: number, rules: Pick<DialRules, 'ports'>): string | null {
  return rules.ports.includes(port)
    ? null
    : `The master logs in at ${rules.ports.length === 1 ? 'port' : 'ports'} ${rules.ports.join(', ')} only, not at port ${port}. Whoever runs it can add the port to hostInstalls.ports.`;
}

/**
 * Null: that address may be dialled. Else why not, naming the limit and the way out.
 * @param address one that names were resolved to, IPv4 or IPv6
 */
export function dialRefusal(address: string, rules: Omit<DialRules, 'ports'>): string | null {
  const bits = readAddress(address);
  if (bits === null) return `${address} is no address.`;
  const named = rules.networks.map(readNetwork).filter((network) => network !== null);
  if (named.some((network) => network.prefix === network.width && holds(network, bits))) return null;
  const exactly = `Whoever runs the master can allow it by naming exactly this address in hostInstalls.networks: ${plain(bits)}/${bits.width}.`;
  const kind = never.find(([network]) => holds(readNetwork(network), bits))?.[1];
  if (kind !== undefined) return `${address} is ${kind}; the master does not log in there. ${exactly}`;
  if (rules.ownAddresses.some((own) => same(readAddress(own), bits))) return `${address} is an address of the master itself; it does not log in there. ${exactly}`;
  if (named.some((network) => holds(network, bits))) return null;
  return `${address} is in none of the networks in which the master installs hosts (${rules.networks.join(', ') || 'none'}). Whoever runs it can add the network to hostInstalls.networks.`;
}

/** The address of those a name led to that is dialled, or why none of them is. Asked once; what is answered here is what is connected to. */
export function chooseAddress(resolved: readonly string[], rules: Omit<DialRules, 'ports'>): { readonly address: string } | { readonly refusal: string } {
  const refusals = resolved.map((address) => ({ address, refusal: dialRefusal(address, rules) }));
  const allowed = refusals.find(({ refusal }) => refusal === null);
  if (allowed !== undefined) return { address: plainAddress(allowed.address) };
  return { refusal: refusals[0]?.refusal ?? 'The name leads to no address.' };
}

/** IPv4 in IPv6 (::ffff:10.0.0.7) is that IPv4 address. */
export function plainAddress(address: string): string {
  const bits = readAddress(address);
  return bits === null ? address : plain(bits);
}

function holds(network: Network | null, bits: Bits): boolean {
  if (network?.width !== bits.width) return false;
  const shift = BigInt(network.width - network.prefix);
  return network.value >> shift === bits.value >> shift;
}

const same = (one: Bits | null, other: Bits): boolean => one !== null && one.width === other.width && one.value === other.value;

function readNetwork(text: string): Network | null {
  const [address = '', length] = text.split('/');
  const bits = readAddress(address);
  if (bits === null) return null;
  const prefix = length === undefined ? bits.width : Number(length);
  return Number.isInteger(prefix) && prefix >= 0 && prefix <= bits.width ? { ...bits, prefix } : null;
}

/** Null when it is none. IPv4 addresses that are mapped into IPv6 are read as what they are. */
function readAddress(text: string): Bits | null {
  const four = readFour(text);
  if (four !== null) return { width: 32, value: four };
  const six = readSix(text.replace(/%.*$/, ''));
  if (six === null) return null;
  return six >> 32n === 0xffffn ? { width: 32, value: six & 0xffff_ffffn } : { width: 128, value: six };
}

function readFour(text: string): bigint | null {
  const octets = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1).map(Number);
  if (octets === undefined || octets.some((octet) => octet > 255)) return null;
  return octets.reduce((sum, octet) => sum * 256n + BigInt(octet), 0n);
}

function readSix(text: string): bigint | null {
  const tail = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const last = tail?.[2] === undefined ? null : readFour(tail[2]);
  if (tail !== null && last === null) return null;
  const written = last === null ? text : `${tail?.[1] ?? ''}${(last >> 16n).toString(16)}:${(last & 0xffffn).toString(16)}`;
  const halves = written.split('::');
  if (halves.length > 2) return null;
  const groups = (half: string | undefined): string[] => (half === undefined || half === '' ? [] : half.split(':'));
  const [head, end] = [groups(halves[0]), groups(halves[1])];
  const missing = 8 - head.length - end.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null;
  const all = [...head, ...Array.from({ length: missing }, () => '0'), ...end];
  if (!all.every((group) => /^[0-9A-Fa-f]{1,4}$/.test(group))) return null;
  return all.reduce((sum, group) => sum * 65_536n + BigInt(`0x${group}`), 0n);
}

function plain({ width, value }: Bits): string {
  if (width === 32) return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 0xffn)).join('.');
  return [112n, 96n, 80n, 64n, 48n, 32n, 16n, 0n].map((shift) => ((value >> shift) & 0xffffn).toString(16)).join(':').replace(/(^|:)0(:0)+(:|$)/, '::');
}
