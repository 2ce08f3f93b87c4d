import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import type { LabHost } from '../lab/lab-host';
import type { HostPicture } from './pictures';

/** Hardware addresses of bridges; those of instances begin otherwise. */
const gatewayMacs = '52:54:00:';

/** Asks virsh and the file system of a host for everything a checker has to see of it. */
export async function pictureOf(host: LabHost, slaveId: string): Promise<HostPicture> {
  const { evidence } = host;
  const network = host.options.guestNetwork;
  const [table, names, withSave, leases, dhcp, files] = await Promise.all([
    evidence.virsh('list', '--all'),
    evidence.virsh('list', '--all', '--uuid', '--name'),
    evidence.virsh('list', '--all', '--with-managed-save', '--uuid'),
    evidence.virsh('net-dhcp-leases', '--', network),
    evidence.dhcpEntries(),
    evidence.poolFiles(),
  ]);
  const shown = new Map(domainsIn(table).map((domain) => [domain.name, domain]));
  const saved = new Set(lines(withSave));
  return {
    name: host.name,
    slaveId,
    domains: lines(names).map((line) => {
      const [id = '', name = ''] = line.split(/\s+/);
      const { state, domId } = shown.get(name) ?? { state: 'unknown', domId: null };
      return { id, name, state, domId, saved: saved.has(id) };
    }),
    files,
    saves: existsSync(evidence.saves) ? (await readdir(evidence.saves)).filter((name) => name.endsWith('.save')) : [],
    // The gateway's own entry keeps dnsmasq serving while there is no guest.
    dhcp: [...dhcp].filter(([mac]) => !mac.startsWith(gatewayMacs)).map(([mac, address]) => ({ mac, address })),
    leases: lines(leases).flatMap((line) => /([0-9a-f]{2}:){5}[0-9a-f]{2}/.exec(line.toLowerCase())?.[0] ?? []),
  };
}

/** The rows of `virsh list`: number (- while it is off), name, state. */
function domainsIn(table: string): readonly { readonly name: string; readonly state: string; readonly domId: number | null }[] {
  return lines(table).flatMap((line) => {
    const [, domId, name, state] = /^(\d+|-)\s+(\S+)\s+(\S.*)$/.exec(line) ?? [];
    return domId === undefined || name === undefined || state === undefined ? [] : [{ name, state, domId: domId === '-' ? null : Number(domId) }];
  });
}

function lines(text: string): readonly string[] {
  return text.split('\n').map((line) => line.trim()).filter((line) => line !== '');
}
