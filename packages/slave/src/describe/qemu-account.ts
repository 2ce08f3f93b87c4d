import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Account } from './file-access';

/** Debian and Ubuntu build libvirt with this user and group for QEMU; `qemu` is what Fedora uses. */
const usualUsers: readonly string[] = ['libvirt-qemu', 'qemu'];

interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** passwd(5). */
function parsePasswd(text: string): readonly PasswdEntry[] {
  return text.split('\n').flatMap((line) => {
    const [name, , uid, gid] = line.split(':');
    return name && uid && gid ? [{ name, uid: Number(uid), gid: Number(gid) }] : [];
  });
}

interface GroupEntry {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/** group(5). */
function parseGroups(text: string): readonly GroupEntry[] {
  return text.split('\n').flatMap((line) => {
    const [name, , gid, members] = line.split(':');
    return name && gid ? [{ name, gid: Number(gid), members: (members ?? '').split(',') }] : [];
  });
}

/** `user` or `group` of libvirt's qemu.conf; a leading + marks a number there. */
function setting(conf: string, key: 'user' | 'group'): string | undefined {
  return new RegExp(`^\\s*${key}\\s*=\\s*"\\+?([^"]*)"`, 'm').exec(conf)?.[1];
}

/**
 * The account libvirt runs QEMU as, from qemu.conf where it is set there, else the distribution's.
 * Null when there is none: libvirt's QEMU driver is not installed.
 */
export function qemuAccount(files: { readonly passwd: string; readonly group: string; readonly qemuConf: string }): Account | null {
  const passwd = parsePasswd(files.passwd);
  const groups = parseGroups(files.group);
  const named = setting(files.qemuConf, 'user');
  const wanted = named === undefined ? usualUsers : [named];
  const user = passwd.find((entry) => wanted.includes(entry.name) || String(entry.uid) === named);
  if (!user) return null;
  const groupName = setting(files.qemuConf, 'group');
  const primary = groups.find((entry) => entry.name === groupName || String(entry.gid) === groupName)?.gid ?? user.gid;
  const others = groups.filter((entry) => entry.members.includes(user.name)).map((entry) => entry.gid);
  return { name: user.name, uid: user.uid, gids: [...new Set([primary, user.gid, ...others])] };
}

/** Who is given what a guest reads and nobody else of the host may. */
export interface QemuOwner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * QEMU's user, and of its groups one that no other account is in: the one of its own name before others, for in Debian's
 * `kvm`, which comes first, is whoever may use /dev/kvm, today or tomorrow. Where it has none for itself, its first.
 */
export function qemuOwner(files: { readonly passwd: string; readonly group: string; readonly qemuConf: string }): QemuOwner | null {
  const account = qemuAccount(files);
  if (account === null) return null;
  const groups = parseGroups(files.group);
  const others = parsePasswd(files.passwd).filter((entry) => entry.name !== account.name);
  const isAlone = (gid: number): boolean =>
    others.every((entry) => entry.gid !== gid) && groups.every((entry) => entry.gid !== gid || entry.members.every((member) => member === '' || member === account.name));
  const isNamed = (gid: number): boolean => groups.some((entry) => entry.gid === gid && entry.name === account.name);
  const alone = account.gids.filter(isAlone);
  const gid = alone.find(isNamed) ?? alone[0] ?? account.gids[0] ?? account.uid;
  return { uid: account.uid, gid };
}

/** `qemuAccount` of this host. `etc` is `/etc` except in tests. */
export async function readQemuAccount(etc = '/etc'): Promise<Account | null> {
  return qemuAccount(await readAccountFiles(etc));
}

/** `qemuOwner` of this host. */
export async function readQemuOwner(etc = '/etc'): Promise<QemuOwner | null> {
  return qemuOwner(await readAccountFiles(etc));
}

async function readAccountFiles(etc: string): Promise<{ readonly passwd: string; readonly group: string; readonly qemuConf: string }> {
  // qemu.conf is 0600 root: who may not read it gets the distribution's account, which is nearly always right.
  const read = (path: string) => readFile(join(etc, path), 'utf8').catch(() => '');
  const [passwd, group, qemuConf] = await Promise.all([read('passwd'), read('group'), read('libvirt/qemu.conf')]);
  return { passwd, group, qemuConf };
}
