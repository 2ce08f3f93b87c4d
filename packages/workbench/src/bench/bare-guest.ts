import { randomBytes, randomUUID } from 'node:crypto';
import { chmod, copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from '../process/run-program';

const virsh = (...args: readonly string[]): Promise<string> => runProgram('virsh', ['-c', 'qemu:///system', ...args], { timeoutMs: 120_000 });

/**
 * The baseline of the launch bench: the very same domain as one that ParaVCL launched, made by hand and
 * driven by bare virsh. Its XML is libvirt's own dump of ours with other ids and without our mark, so
 * that the agent lists it as foreign.
 */
export class BareGuest {
  private readonly xmlFile: string;
  private readonly saveFile: string;
  readonly serialLog: string;

  private constructor(
    private readonly uuid: string,
    private readonly mac: string,
    private readonly network: string,
    private readonly address: string,
    private readonly directory: string,
  ) {
    this.xmlFile = join(directory, 'bare.xml');
    this.saveFile = join(directory, 'bare.save');
    this.serialLog = join(directory, 'serial.log');
  }

  /** Copies definition and seed of the instance, makes an overlay of its own, reserves an address; not timed. */
  static async like(instance: { readonly id: string; readonly mac: string; readonly pool: string; readonly network: string; readonly address: string }): Promise<BareGuest> {
    const uuid = randomUUID();
    const mac = `52:54:00:${[...randomBytes(3)].map((byte) => byte.toString(16).padStart(2, '0')).join(':')}`;
    const model = join(instance.pool, 'instances', instance.id);
    const directory = join(instance.pool, 'instances', uuid);
    const guest = new BareGuest(uuid, mac, instance.network, instance.address, directory);
    await mkdir(join(directory, 'run'), { recursive: true });
    await chmod(directory, 0o711);
    await chmod(join(directory, 'run'), 0o777);

    const xml = await virsh('dumpxml', '--inactive', '--', instance.id);
    const bare = xml
      .replace(/<metadata>[\s\S]*?<\/metadata>/, '')
      .replace(/<name>[^<]*<\/name>/, `<name>bare-${uuid.slice(0, 8)}</name>`)
      .replaceAll(instance.id, uuid)
      .replaceAll(instance.mac, mac);
    await writeFile(guest.xmlFile, bare);
    const base = /<backingStore[^>]*>[\s\S]*?file='([^']+)'/.exec(bare)?.[1] ?? (await backingOf(join(model, 'overlay.qcow2')));
    await runProgram('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', base, '-F', 'raw', '-o', 'extended_l2=on,cluster_size=128k', '--', join(directory, 'overlay.qcow2')]);
    await copyFile(join(model, 'seed.iso'), join(directory, 'seed.iso'));
    await chmod(join(directory, 'overlay.qcow2'), 0o644);
    await chmod(join(directory, 'seed.iso'), 0o644);
    await virsh('net-update', '--network', instance.network, 'add', 'ip-dhcp-host', guest.reservation, '--live', '--config');
    return guest;
  }

  create(): Promise<string> {
    return virsh('create', '--', this.xmlFile);
  }

  save(): Promise<string> {
    return virsh('save', '--', this.uuid, this.saveFile);
  }

  restore(): Promise<string> {
    return virsh('restore', '--', this.saveFile);
  }

  /** Takes everything of it away. */
  async remove(): Promise<void> {
    await virsh('destroy', '--', this.uuid).catch(() => undefined);
    await virsh('net-update', '--network', this.network, 'delete', 'ip-dhcp-host', this.reservation, '--live', '--config');
    await rm(this.directory, { recursive: true, force: true });
  }

  private get reservation(): string {
    return `<host mac='${this.mac}' ip='${this.address}'/>`;
  }
}

async function backingOf(overlay: string): Promise<string> {
  // Our own overlays: the header's backing file offset and length are big-endian at 8 and 16.
  const header = await readFile(overlay);
  const offset = Number(header.readBigUInt64BE(8));
  return header.toString('utf8', offset, offset + header.readUInt32BE(16));
}
