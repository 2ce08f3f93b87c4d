import { isIPv4, isIPv6 } from 'node:net';
import { inOrder, shown, type FileFault } from './file-fault';
import { linesOf, textOf } from './text-file';

/** How a host is reached by SSH. */
export interface HostAddress {
  /** Null where none was said. */
  readonly user: string | null;
  /** A name, an IPv4 address, or an IPv6 address without brackets. */
  readonly host: string;
  readonly port: number;
}

export interface Machine extends HostAddress {
  readonly line: number;
}

const mostMachines = 1000;
/** Of a name in DNS. */
const longestHost = 253;
/** As useradd takes them. */
const userName = /^[a-z_][a-z0-9_.-]{0,31}$/;
const hostName = /^(?!.*\.\.)[0-9A-Za-z]([0-9A-Za-z.-]*[0-9A-Za-z])?\.?$/;

/** `user@host`, `host:port`, `[fd00::7]:2222`; or a sentence that says what is wrong with it. */
export function parseHostAddress(said: string): HostAddress | string {
  const at = said.lastIndexOf('@');
  const user = at < 0 ? null : said.slice(0, at);
  const place = said.slice(at + 1);
  if (user !== null && !userName.test(user)) return `${shown(user)} is no user name of a host: at most 32 of a-z, 0-9, _, . and -, and a letter first, such as root@${place === '' ? 'lab-pc-07' : place}.`;
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(place);
  const named = /^([^:]*)(?::(.*))?$/.exec(place);
  const [host, port] = isIPv6(place) ? [place, undefined] : bracketed !== null ? [bracketed[1] ?? '', bracketed[2]] : [named?.[1] ?? place, named?.[2]];
  if (host.length > longestHost) return `the address has ${String(host.length)} characters, and at most ${String(longestHost)} can be one.`;
  if (!isHost(host, bracketed !== null)) return `${shown(place)} is no address: a host name such as lab-pc-07.example, 10.0.0.7 or [fd00::7], with user@ before it and :port behind it if need be.`;
  if (port !== undefined && !isPort(port)) return `port ${shown(port)} is none: 1 to 65535.`;
  return { user, host, port: port === undefined ? 22 : Number(port) };
}

/**
 * The list of machines: one address a line, `user@host[:port]`; blank lines, and what follows a `#`, are passed over. Never throws:
 * every fault of the file is told with its line.
 */
export function readPmFile(file: string, bytes: Buffer): { readonly machines: readonly Machine[]; readonly faults: readonly FileFault[] } {
  const read = textOf(file, bytes);
  if ('fault' in read) return { machines: [], faults: [read.fault] };
  const machines: Machine[] = [];
  const faults: FileFault[] = [];
  const firstLines = new Map<string, number>();
  for (const { line, text } of linesOf(read.text)) {
    const [address = '', ...more] = text.replace(/\s+#.*$/, '').split(/\s+/);
    if (more.length > 0) {
      faults.push({ file, line, sentence: `one address a line, and here are ${String(more.length + 1)} words. Put a # before what is a comment.` });
      continue;
    }
    const parsed = parseHostAddress(address);
    if (typeof parsed === 'string') {
      faults.push({ file, line, sentence: parsed });
      continue;
    }
    const key = `${parsed.host.toLowerCase().replace(/\.$/, '')} ${String(parsed.port)}`;
    const first = firstLines.get(key);
    if (first !== undefined) faults.push({ file, line, sentence: `${shown(parsed.host)} stands on line ${String(first)} already: remove one of the two.` });
    else {
      firstLines.set(key, line);
      machines.push({ ...parsed, line });
    }
  }
  if (machines.length === 0 && faults.length === 0) faults.push({ file, line: 1, sentence: 'there is no address in it: one a line, such as root@lab-pc-07.' });
  if (machines.length > mostMachines) faults.push({ file, line: machines[mostMachines]?.line ?? 1, sentence: `at most ${String(mostMachines)} machines are taken at once, and the file has ${String(machines.length)}: cut it in two.` });
  return { machines, faults: inOrder(faults) };
}

/** `root@lab-pc-07:2222` as the file has it; the port only where it is not SSH's own. */
export function writeHostAddress({ user, host, port }: HostAddress): string {
  const place = isIPv6(host) ? `[${host}]` : host;
  return `${user === null ? '' : `${user}@`}${place}${port === 22 ? '' : `:${String(port)}`}`;
}

function isHost(host: string, inBrackets: boolean): boolean {
  if (inBrackets) return isIPv6(host);
  // 10.0.0.300 is a mistyped address, not a name.
  return /^[0-9.]+$/.test(host) ? isIPv4(host) : isIPv6(host) || hostName.test(host);
}

function isPort(text: string): boolean {
  return /^[0-9]{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535;
}
