import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { get } from 'node:http';
import { z } from 'zod';
import { parseJson } from '@paravcl/shared/parse-json';
import { runProgram } from '../process/run-program';

/**
 * What the host itself says of a guest: asked of virsh, of the file system and of the guest's own page,
 * never of ParaVCL's code. An instance's id is its domain's UUID.
 */
const virsh = (...args: readonly string[]): Promise<string> => runProgram('virsh', ['-c', 'qemu:///system', ...args]);

/** `domstate`'s words (`running`, `shut off`, …), or null when there is no such domain. */
export async function domainState(instanceId: string): Promise<string | null> {
  if (!(await domainIds()).includes(instanceId)) return null;
  return (await virsh('domstate', '--', instanceId)).trim();
}

export async function domainIds(): Promise<readonly string[]> {
  return (await virsh('list', '--all', '--uuid')).split('\n').map((line) => line.trim()).filter((line) => line !== '');
}

/** True when libvirt holds the RAM of the domain in a managed save. */
export async function hasSavedRam(instanceId: string): Promise<boolean> {
  const saved = await virsh('list', '--all', '--with-managed-save', '--uuid');
  return saved.includes(instanceId);
}

const pageSchema = z.object({ id: z.string(), name: z.string(), bootId: z.string(), counter: z.number().int(), address: z.string() });
export type GuestPage = z.infer<typeof pageSchema>;

/** The page the demo guest serves at its address; undefined while nobody answers there. */
export function guestPage(address: string): Promise<GuestPage | undefined> {
  return new Promise((resolve) => {
    const request = get({ host: address, port: 80, path: '/cgi-bin/index.cgi', timeout: 2000, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => (text += part));
      response.on('end', () => {
        try {
          resolve(pageSchema.parse(parseJson(text)));
        } catch {
          resolve(undefined);
        }
      });
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(undefined));
  });
}

export interface Guest {
  readonly instanceId: string;
  readonly name: string;
  readonly mac: string;
  readonly network: string;
  readonly pool: string;
}

/** Where traces are looked for; libvirt names a managed save after its domain, `pv-<name>`. */
const thisHost = { virsh, saves: '/var/lib/libvirt/qemu/save' };

/** What is left of an instance on this host: domain, saved RAM, DHCP entry and lease, files. Empty when it is clean. */
export async function leftovers(guest: Guest, host: typeof thisHost = thisHost): Promise<readonly string[]> {
  const left: string[] = [];
  if ((await host.virsh('list', '--all', '--uuid')).includes(guest.instanceId)) left.push('its libvirt domain');
  if ((await host.virsh('net-dumpxml', '--', guest.network)).toLowerCase().includes(guest.mac)) left.push('its DHCP entry');
  if ((await host.virsh('net-dhcp-leases', '--', guest.network)).toLowerCase().includes(guest.mac)) left.push('its DHCP lease');
  const files = existsSync(guest.pool) ? await readdir(guest.pool, { recursive: true }) : [];
  left.push(...files.filter((file) => file.includes(guest.instanceId)).map((file) => `the file ${file} in the pool`));
  const saves = existsSync(host.saves) ? await readdir(host.saves) : [];
  left.push(...saves.filter((save) => save === `pv-${guest.name}.save`).map((save) => `the saved RAM ${save}`));
  return left;
}
