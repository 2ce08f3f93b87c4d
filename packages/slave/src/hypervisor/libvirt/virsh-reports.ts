import type { DomainState, DomainStats } from '../driver';

/** One line of `virsh event --all --loop --timestamp`. */
export interface EventLine {
  readonly event: string;
  readonly domain: string;
  readonly detail: string;
}

/** `Key:   value` lines, as of `virsh dominfo` and `virsh net-info`. */
export function parseFields(text: string): Readonly<Record<string, string>> {
  const pairs = text.split('\n').map((line) => /^([^:]+):\s*(.*)$/.exec(line)).filter((match) => match !== null);
  return Object.fromEntries(pairs.map((match) => [match[1] ?? '', (match[2] ?? '').trim()]));
}

/**
 * State of a domain from `virsh domstate --reason` ("paused (I/O error)") and whether `virsh dominfo`
 * says "Managed save: yes".
 */
export function parseState(domstate: string, hasManagedSave: boolean): DomainState {
  const [, state = '', reason = ''] = /^([a-z ]+?)(?: \((.*)\))?$/.exec(domstate.trim()) ?? [];
  switch (state) {
    case 'running':
    case 'idle':
      return 'running';
    case 'paused':
      return reason === 'I/O error' ? 'paused-io' : reason === 'migrating' || reason === 'starting up' ? 'migrating' : 'paused';
    case 'pmsuspended':
      return 'paused';
    case 'in shutdown':
      return 'shutting-down';
    case 'crashed':
      return hasManagedSave ? 'saved' : 'crashed';
    default:
      return hasManagedSave ? 'saved' : 'off';
  }
}

/** Sums over disks, interfaces and virtual CPUs of `virsh domstats`. */
export function parseStats(text: string): DomainStats {
  const values = text.split('\n').map((line) => /^\s*([a-z0-9.-]+)=(\d+)$/.exec(line)).filter((match) => match !== null);
  const sum = (key: RegExp): number => values.reduce((total, match) => (key.test(match[1] ?? '') ? total + Number(match[2]) : total), 0);
  return {
    cpuTimeNs: sum(/^cpu\.time$/),
    cpuDelayNs: sum(/^vcpu\.\d+\.delay$/),
    ramKiB: sum(/^balloon\.rss$/),
    diskReadBytes: sum(/^block\.\d+\.rd\.bytes$/),
    diskWrittenBytes: sum(/^block\.\d+\.wr\.bytes$/),
    netReceivedBytes: sum(/^net\.\d+\.rx\.bytes$/),
    netSentBytes: sum(/^net\.\d+\.tx\.bytes$/),
  };
}

/** Null for the lines that only continue an event. */
export function parseEventLine(line: string): EventLine | null {
  const match = /event '([a-z0-9-]+)' for domain '(.*?)'(?:: (.*))?$/.exec(line);
  return match === null ? null : { event: match[1] ?? '', domain: match[2] ?? '', detail: match[3] ?? '' };
}

export interface Lease {
  readonly mac: string;
  readonly address: string;
}

/** Leases of `virsh net-dhcp-leases`; a MAC with two client ids has two lines. */
export function parseLeases(text: string): readonly Lease[] {
  return text
    .split('\n')
    .map((line) => /((?:[0-9a-f]{2}:){5}[0-9a-f]{2})\s+ipv4\s+([0-9.]+)\//i.exec(line))
    .filter((match) => match !== null)
    .map((match) => ({ mac: (match[1] ?? '').toLowerCase(), address: match[2] ?? '' }));
}
