import { createHash } from 'node:crypto';
import { type BackingImage, type DiskChain, type DomainSpec, type HomeDisk, HypervisorError } from '../driver';
import type { GuestBaseline } from './guest-baseline';
import { type InstanceMark, markElement } from './instance-mark';
import { element, isWritable, type XmlElement, writeXml } from './xml';

/** What a definition takes from its slave beside the spec. */
export interface DomainSite {
  readonly slaveId: string;
  /** libvirt name of the site's network. */
  readonly network: string;
  readonly baseline: GuestBaseline;
}

export const domainNamePrefix = 'pv-';

/** Length of `sockaddr_un.sun_path` less its final zero, unix(7). */
const socketPathBytes = 107;

/** Name of the libvirt domain of an instance. */
export function domainName(instanceName: string): string {
  return `${domainNamePrefix}${instanceName}`;
}

/** The mark `spec` asks for on this slave. */
export function markOf(spec: DomainSpec, site: DomainSite): InstanceMark {
  const definition = createHash('sha256').update(writeXml(domainElement(spec, site, []))).digest('hex');
  return { instanceId: spec.instanceId, generation: spec.generation, slaveId: site.slaveId, definition };
}

/**
 * The domain XML (https://libvirt.org/formatdomain.html) of an instance. Throws HypervisorError
 * `unsupported` when a value cannot stand in XML or a socket's path is too long.
 */
export function domainXml(spec: DomainSpec, site: DomainSite): string {
  for (const value of [spec.name, spec.kernelArguments, ...Object.values(spec.files), ...spec.files.layers, ...Object.values(spec.files.backing), spec.homeDisk?.overlay, ...Object.values(spec.homeDisk?.backing ?? {})] as readonly unknown[]) {
    if (typeof value === 'string' && !isWritable(value)) {
      throw new HypervisorError('unsupported', `${JSON.stringify(value.slice(0, 80))} contains control characters; remove them from the name or the kernel arguments`);
    }
  }
  const { vncSocket, serialSocket, backing } = spec.files;
  for (const [what, path] of [['VNC', vncSocket], ['serial', serialSocket], ...[backing, spec.homeDisk?.backing].flatMap((each) => (each?.kind === 'nbd' ? [['NBD', each.socket] as const] : []))] as const) {
    if (Buffer.byteLength(path) > socketPathBytes) throw new HypervisorError('unsupported', `${what} socket path ${path} is longer than ${String(socketPathBytes)} bytes; use a shorter pool directory`);
  }
  return writeXml(domainElement(spec, site, [element('metadata', {}, [markElement(markOf(spec, site))])]));
}

function domainElement(spec: DomainSpec, { baseline, network }: DomainSite, metadata: readonly XmlElement[]): XmlElement {
  return element('domain', { type: baseline.type }, [
    element('name', {}, domainName(spec.name)),
    element('uuid', {}, spec.instanceId),
    element('title', {}, spec.name),
    ...metadata,
    element('memory', { unit: 'MiB' }, String(spec.ramMiB)),
    element('vcpu', { placement: 'static' }, String(spec.vcpus)),
    bootElement(spec, baseline),
    element('features', {}, [element('acpi'), element('apic')]),
    element('cpu', { mode: 'custom', match: 'exact', check: 'partial' }, [element('model', { fallback: 'forbid' }, baseline.cpu)]),
    element('clock', { offset: 'utc' }),
    element('on_poweroff', {}, 'destroy'),
    element('on_reboot', {}, 'restart'),
    element('on_crash', {}, 'destroy'),
    // The guest must not put itself to sleep: nobody would wake it.
    element('pm', {}, [element('suspend-to-mem', { enabled: 'no' }), element('suspend-to-disk', { enabled: 'no' })]),
    element('devices', {}, devices(spec, network)),
  ]);
}

function bootElement({ files, kernelArguments }: DomainSpec, baseline: GuestBaseline): XmlElement {
  const type = element('type', { arch: 'x86_64', machine: baseline.machine }, 'hvm');
  if (files.kernel === null) return element('os', {}, [type, element('boot', { dev: 'hd' })]);
  return element('os', {}, [
    type,
    element('kernel', {}, files.kernel),
    ...(files.ramdisk === null ? [] : [element('initrd', {}, files.ramdisk)]),
    ...(kernelArguments === '' ? [] : [element('cmdline', {}, kernelArguments)]),
  ]);
}

function devices(spec: DomainSpec, network: string): readonly XmlElement[] {
  const { files } = spec;
  return [
    element('controller', { type: 'usb', model: 'none' }),
    element('disk', { type: 'file', device: 'disk' }, [
      // A disk error (full mirror, lost link) pauses the guest, which goes on once the cause is gone; it never sees EIO.
      element('driver', ownDriver),
      ...chainElements(files),
      element('target', { dev: 'vda', bus: 'virtio' }),
    ]),
    // NoCloud seed: found by its label "cidata" on any block device; virtio, so that small kernels without SATA read it.
    element('disk', { type: 'file', device: 'disk' }, [
      element('driver', { name: 'qemu', type: 'raw', error_policy: 'stop', rerror_policy: 'stop' }),
      element('source', { file: files.seed }),
      element('backingStore'),
      element('target', { dev: 'vdb', bus: 'virtio' }),
      element('readonly'),
    ]),
    ...(spec.homeDisk === undefined ? [] : [homeElement(spec.homeDisk)]),
    networkInterface(spec, network),
    // Never a pty: its number goes to another program of the host once the guest ended, and what is typed would go there.
    element('serial', { type: 'unix' }, [
      element('source', { mode: 'bind', path: files.serialSocket }),
      element('log', { file: files.serialLog, append: 'on' }),
      element('target', { type: 'isa-serial', port: '0' }),
    ]),
    // A guest with an agent behind it brings its file systems to rest for a snapshot.
    element('channel', { type: 'unix' }, [element('target', { type: 'virtio', name: agentChannel })]),
    // Whoever looks too does not throw out who looks already.
    element('graphics', { type: 'vnc', sharePolicy: 'force-shared' }, [element('listen', { type: 'socket', socket: files.vncSocket })]),
    element('video', {}, [element('model', { type: 'vga' })]),
    element('audio', { id: '1', type: 'none' }),
    element('memballoon', { model: 'virtio' }),
    element('rng', { model: 'virtio' }, [element('backend', { model: 'random' }, '/dev/urandom')]),
  ];
}

const ownDriver = { name: 'qemu', type: 'qcow2', discard: 'unmap', error_policy: 'stop', rerror_policy: 'stop' } as const;

/** Named for the guest: /dev/disk/by-id/virtio-home is a link to it. */
export const homeSerial = 'home';
/** The device that is the home volume. */
export const homeTarget = 'vdc';

function homeElement({ overlay, backing }: HomeDisk): XmlElement {
  return element('disk', { type: 'file', device: 'disk' }, [
    element('driver', ownDriver),
    element('source', { file: overlay }),
    backing === null ? element('backingStore') : backingStore(backing),
    element('target', { dev: homeTarget, bus: 'virtio' }),
    element('serial', {}, homeSerial),
  ]);
}

/** Where QEMU's guest agent listens in a guest: qemu-ga(8). */
export const agentChannel = 'org.qemu.guest_agent.0';

/** The whole chain with its formats: what is named is not probed, so no image can pass itself off as another format. */
export function chainElements({ overlay, layers, backing }: DiskChain): readonly XmlElement[] {
  const below = layers.reduceRight(
    (under, layer) => element('backingStore', { type: 'file' }, [element('format', { type: 'qcow2' }), element('source', { file: layer }), under]),
    backingStore(backing),
  );
  return [element('source', { file: overlay }), below];
}

function backingStore(backing: BackingImage): XmlElement {
  if (backing.kind === 'file') {
    return element('backingStore', { type: 'file' }, [element('format', { type: backing.format }), element('source', { file: backing.path }), element('backingStore')]);
  }
  return element('backingStore', { type: 'network' }, [
    element('format', { type: 'raw' }),
    element('source', { protocol: 'nbd', name: backing.exportName }, [
      element('host', { transport: 'unix', socket: backing.socket }),
      element('reconnect', { delay: String(reconnectSeconds) }),
    ]),
    element('backingStore'),
  ]);
}

/**
 * A server that is started again within this time costs a guest nothing but the wait; after it the guest is paused.
 * libvirt 9.0 takes the element and drops it (seen in `virsh dumpxml`): there the guest is paused at once, and continued
 * like after any disk error. Later ones hand it to QEMU as `reconnect-delay`.
 */
const reconnectSeconds = 60;

function networkInterface(spec: DomainSpec, network: string): XmlElement {
  const limit = spec.bandwidthMbps === null ? null : { average: String(spec.bandwidthMbps * kilobytesPerMegabit) };
  return element('interface', { type: 'network' }, [
    element('mac', { address: spec.mac }),
    element('source', { network }),
    element('model', { type: 'virtio' }),
    ...(limit === null ? [] : [element('bandwidth', {}, [element('inbound', limit), element('outbound', limit)])]),
  ]);
}

/** libvirt counts bandwidth in kilobytes per second: 1 Mbit/s = 125 kB/s. */
const kilobytesPerMegabit = 125;
