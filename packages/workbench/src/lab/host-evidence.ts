import { existsSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { get } from 'node:http';
import { join } from 'node:path';
import { z } from 'zod';
import { parseJson } from '@paravcl/shared/parse-json';
import { runProgram } from '../process/run-program';

/**
 * What the host itself says of a guest: asked of virsh, of the file system and of the guest's own page,
 * never of ParaVCL's code. An instance's id is its domain's UUID.
 */
export interface WitnessedHost {
  /** Runs virsh against that host's libvirt and answers what it printed. */
  virsh(...args: readonly string[]): Promise<string>;
  /** Where libvirt keeps the RAM of suspended domains, named after the domain, `pv-<name>`. */
  readonly saves: string;
  /** Where libvirt logs what it has of each domain's QEMU, under the same name. */
  readonly logs: string;
}

/** The host of this process. */
const thisHost: WitnessedHost = {
  virsh: (...args) => runProgram('virsh', ['-c', 'qemu:///system', ...args]),
  saves: '/var/lib/libvirt/qemu/save',
  logs: '/var/log/libvirt/qemu',
};

/** `domstate`'s words (`running`, `shut off`, …), or null when there is no such domain. */
export async function domainState(instanceId: string, host = thisHost): Promise<string | null> {
  if (!(await domainIds(host)).includes(instanceId)) return null;
  return (await host.virsh('domstate', '--', instanceId)).trim();
}

export async function domainIds(host = thisHost): Promise<readonly string[]> {
  return (await host.virsh('list', '--all', '--uuid')).split('\n').map((line) => line.trim()).filter((line) => line !== '');
}

/** True when libvirt holds the RAM of the domain in a managed save. */
export async function hasSavedRam(instanceId: string, host = thisHost): Promise<boolean> {
  const saved = await host.virsh('list', '--all', '--with-managed-save', '--uuid');
  return saved.includes(instanceId);
}

const pageSchema = z.object({ id: z.string(), name: z.string(), bootId: z.string(), counter: z.number().int(), address: z.string() });
export type GuestPage = z.infer<typeof pageSchema>;

/** Reads what the guest's page says; undefined when it is something else. */
export function readGuestPage(text: string): GuestPage | undefined {
  try {
    return pageSchema.parse(parseJson(text));
  } catch {
    return undefined;
  }
}

/** Where the demo guest serves its page. */
export const guestPagePath = '/cgi-bin/index.cgi';

/** The page the demo guest serves at its address; undefined while nobody answers there, or nothing comes for so long. */
export function guestPage(address: string, { port = 80, timeoutMs = 2000 } = {}): Promise<GuestPage | undefined> {
  return new Promise((resolve) => {
    const request = get({ host: address, port, path: guestPagePath, timeout: timeoutMs, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => (text += part));
      response.on('end', () => {
        resolve(readGuestPage(text));
      });
      // One that is destroyed within the body comes to neither its end nor an error of the request.
      response.on('close', () => resolve(undefined));
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(undefined));
  });
}

const conversationSchema = z.object({ answered: z.number().int(), nonce: z.string(), broke: z.boolean() });
/** What a demo guest says of its one connection to another: lines that were answered, the word of who answers, which is another for each connection, whether it broke. */
export type GuestConversation = z.infer<typeof conversationSchema>;

/** Where the demo guest tells of its conversation. With the address of another as its query it begins one, unless it has. */
export const guestTalkPath = '/cgi-bin/talk.cgi';

/** Reads what a guest says of its conversation; undefined when it is something else. */
export function readGuestConversation(text: string): GuestConversation | undefined {
  try {
    return conversationSchema.parse(parseJson(text));
  } catch {
    return undefined;
  }
}

const heldSchema = z.object({ held: z.string() });

/** Where the demo guest tells what its home volume holds. With a word of a-f, 0-9 and - as its query it writes that there. */
export const guestHomePath = '/cgi-bin/home.cgi';

/** Reads what a guest says that its home held; undefined when it is something else. */
export function readGuestHome(text: string): string | undefined {
  try {
    return heldSchema.parse(parseJson(text)).held;
  } catch {
    return undefined;
  }
}

export interface Guest {
  readonly instanceId: string;
  readonly name: string;
  readonly mac: string;
  readonly network: string;
  readonly pool: string;
}

/** What is left of an instance on this host: domain, saved RAM, DHCP entry and lease, files. Empty when it is clean. */
export async function leftovers(guest: Guest, host = thisHost): Promise<readonly string[]> {
  const left: string[] = [];
  if ((await host.virsh('list', '--all', '--uuid')).includes(guest.instanceId)) left.push('its libvirt domain');
  if ((await host.virsh('net-dumpxml', '--', guest.network)).toLowerCase().includes(guest.mac)) left.push('its DHCP entry');
  if ((await host.virsh('net-dhcp-leases', '--', guest.network)).toLowerCase().includes(guest.mac)) left.push('its DHCP lease');
  const files = existsSync(guest.pool) ? await readdir(guest.pool, { recursive: true }) : [];
  left.push(...files.filter((file) => file.includes(guest.instanceId)).map((file) => `the file ${file} in the pool`));
  const saves = existsSync(host.saves) ? await readdir(host.saves) : [];
  left.push(...saves.filter((save) => save === `pv-${guest.name}.save`).map((save) => `the saved RAM ${save}`));
  const logs = existsSync(host.logs) ? await readdir(host.logs) : [];
  left.push(...logs.filter((log) => log.startsWith(`pv-${guest.name}.log`)).map((log) => `QEMU’s log ${log}`));
  return left;
}

/** All files and directories of a pool, by their paths in it. */
export async function poolFiles(pool: string): Promise<readonly string[]> {
  return existsSync(pool) ? (await readdir(pool, { recursive: true })).sort() : [];
}

/** MAC addresses (lower case) for which a network's DHCP holds an address, with that address. Empty when there is no such network. */
export async function dhcpEntries(network: string, host = thisHost): Promise<ReadonlyMap<string, string>> {
  if (!(await host.virsh('net-list', '--all', '--name')).split('\n').map((line) => line.trim()).includes(network)) return new Map();
  const entries = (await host.virsh('net-dumpxml', '--', network)).matchAll(/<host\b[^>]*>/g);
  return new Map([...entries].map(([entry]) => [attribute(entry, 'mac').toLowerCase(), attribute(entry, 'ip')]));
}

/** Everything a guest printed to its first serial port; empty when there is no such log. */
export function serialLog(pool: string, instanceId: string): Promise<string> {
  return readFile(join(pool, 'instances', instanceId, 'serial.log'), 'latin1').catch(() => '');
}

function attribute(tag: string, name: string): string {
  return new RegExp(`\\b${name}='([^']*)'`).exec(tag)?.[1] ?? '';
}
