import fc from 'fast-check';
import { type DomainSpec, HypervisorError } from '../driver';
import { type DomainSite, domainXml, markOf } from './domain-xml';
import { readMark } from './instance-mark';
import { child, readXml, type XmlElement } from './xml';

const spec: DomainSpec = {
  instanceId: '0199a000-0000-7000-8000-000000000001',
  generation: 3,
  name: 'i-ubuntu-9af',
  vcpus: 2,
  ramMiB: 512,
  mac: '00:16:3e:00:00:01',
  bandwidthMbps: null,
  kernelArguments: 'console=ttyS0 quiet',
  files: {
    overlay: '/var/lib/paravcl/instances/a/disk.qcow2',
    layers: [],
    backing: { kind: 'file', path: '/var/lib/paravcl/images/b', format: 'raw' },
    seed: '/var/lib/paravcl/instances/a/seed.iso',
    kernel: '/var/lib/paravcl/images/k',
    ramdisk: '/var/lib/paravcl/images/r',
    serialLog: '/var/lib/paravcl/instances/a/serial.log',
    serialSocket: '/run/paravcl/a.serial',
    vncSocket: '/run/paravcl/a.vnc',
  },
};
const site: DomainSite = {
  slaveId: '0199a000-0000-7000-8000-0000000000aa',
  network: 'paravcl',
  baseline: { type: 'qemu', machine: 'pc-q35-7.2', cpu: 'qemu64' },
};

/** Names of all elements in order: the shape of the document without its values. */
function shapeOf(node: XmlElement): string {
  return `${node.name}[${Object.keys(node.attributes).sort().join()}](${node.children.map(shapeOf).join()})`;
}

describe('the domain XML', () => {
  it('boots a kernel and ramdisk under TCG', () => {
    expect(domainXml(spec, site)).toMatchSnapshot();
  });

  it('boots a qcow2 image by its own loader under KVM, with limited bandwidth', () => {
    const ownLoader = { ...spec, bandwidthMbps: 80, files: { ...spec.files, kernel: null, ramdisk: null, backing: { kind: 'file' as const, path: '/var/lib/paravcl/images/b', format: 'qcow2' as const } } };
    expect(domainXml(ownLoader, { ...site, baseline: { type: 'kvm', machine: 'pc-q35-7.2', cpu: 'Nehalem' } })).toMatchSnapshot();
  });

  const mirrored: DomainSpec = { ...spec, files: { ...spec.files, backing: { kind: 'nbd', socket: '/var/lib/paravcl/mirror/nbd.sock', exportName: `${'a'.repeat(64)}.${spec.instanceId}` } } };

  it('reads its image through the mirror, waits a minute for one that was restarted, and is paused after that', () => {
    expect(domainXml(mirrored, site)).toMatchSnapshot();
  });

  it('names the layers of a disk from the top down to its image', () => {
    const layered = { ...spec, files: { ...spec.files, layers: ['/pool/a/layer-1.qcow2', '/pool/a/overlay.qcow2'] } };
    const disk = child(child(readXml(domainXml(layered, site)), 'devices'), 'disk');
    const named: (readonly [format: string | undefined, file: string | undefined])[] = [];
    for (let below = child(disk, 'backingStore'); below !== undefined; below = child(below, 'backingStore')) named.push([child(below, 'format')?.attributes['type'], child(below, 'source')?.attributes['file']]);
    expect(named).toEqual([['qcow2', '/pool/a/layer-1.qcow2'], ['qcow2', '/pool/a/overlay.qcow2'], ['raw', '/var/lib/paravcl/images/b'], [undefined, undefined]]);
    expect(markOf(layered, site).definition).not.toBe(markOf(spec, site).definition);
    expect(() => domainXml({ ...layered, files: { ...layered.files, layers: ['a\nb'] } }, site)).toThrow(/control characters/);
  });

  const anyText = fc.string({ unit: 'binary', minLength: 1, maxLength: 60 });
  const nasty = fc.constantFrom('"><disk/>', "' or '", '$(reboot)', '`id`', ']]>', '<!--', '&amp;', '&#0;', '<![CDATA[', '名前', '🖥️', '%s', '\\', '__proto__', '  ', '0x10', '1e5', 'true');

  it('carries any name, arguments and paths whole and never changes its shape, or refuses them', () => {
    const shape = shapeOf(readXml(domainXml(spec, site)));
    let carried = 0;
    fc.assert(
      fc.property(fc.oneof(anyText, nasty), fc.oneof(anyText, nasty), fc.oneof(anyText, nasty), (name, kernelArguments, overlay) => {
        let xml: string;
        try {
          xml = domainXml({ ...spec, name, kernelArguments, files: { ...spec.files, overlay } }, site);
        } catch (error) {
          expect(error).toBeInstanceOf(HypervisorError);
          expect(name + kernelArguments + overlay).toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufffe\uffff]|\p{Cs}/u);
          return;
        }
        const domain = readXml(xml);
        expect(shapeOf(domain)).toBe(shape);
        expect(child(domain, 'title')?.text).toBe(name);
        expect(child(domain, 'name')?.text).toBe(`pv-${name}`);
        expect(child(child(domain, 'os'), 'cmdline')?.text).toBe(kernelArguments);
        expect(child(child(child(domain, 'devices'), 'disk'), 'source')?.attributes['file']).toBe(overlay);
        carried += 1;
      }),
      { numRuns: 500 },
    );
    expect(carried).toBeGreaterThan(50);
  });

  it('refuses control characters with the way out', () => {
    expect(() => domainXml({ ...spec, kernelArguments: 'a\nb' }, site)).toThrow(/control characters; remove them/);
  });

  it('refuses a mirror whose socket the kernel would cut', () => {
    const backing = { kind: 'nbd' as const, socket: `/${'x'.repeat(107)}`, exportName: 'e' };
    expect(() => domainXml({ ...spec, files: { ...spec.files, backing } }, site)).toThrow(/NBD socket path .* longer than 107 bytes/);
  });

  it('refuses a socket of a console whose path the kernel would cut', () => {
    expect(() => domainXml({ ...spec, files: { ...spec.files, vncSocket: `/${'x'.repeat(107)}` } }, site)).toThrow(/VNC socket path .* longer than 107 bytes/);
    expect(() => domainXml({ ...spec, files: { ...spec.files, serialSocket: `/${'x'.repeat(107)}` } }, site)).toThrow(/serial socket path .* longer than 107 bytes/);
  });
});

describe('the mark', () => {
  it('comes back from the XML as it went in', () => {
    expect(readMark(readXml(domainXml(spec, site)))).toEqual(markOf(spec, site));
  });

  it('tells a changed definition from a changed generation', () => {
    const { definition } = markOf(spec, site);
    expect(markOf({ ...spec, generation: 9 }, site).definition).toBe(definition);
    expect(markOf({ ...spec, ramMiB: 513 }, site).definition).not.toBe(definition);
    expect(markOf(spec, { ...site, slaveId: '0199a000-0000-7000-8000-0000000000bb' }).definition).toBe(definition);
  });

  it('is not read from another namespace, nor when it is malformed', () => {
    const marked = (inner: string): XmlElement => readXml(`<domain><metadata>${inner}</metadata></domain>`);
    const ours = 'xmlns:p="https://paravcl.org/xmlns/instance/1"';
    expect(readMark(marked('<p:instance xmlns:p="https://example.org/" id="a" generation="1" slave="b"/>'))).toBeNull();
    expect(readMark(marked(`<p:instance ${ours} id="a" generation="x" slave="b"/>`))).toBeNull();
    expect(readMark(marked(`<p:instance ${ours} id="a" generation="1"/>`))).toBeNull();
    expect(readMark(marked(`<p:instance ${ours} id="a" generation="1" slave="b"/>`))).toMatchObject({ instanceId: 'a', slaveId: 'b' });
    expect(readMark(readXml('<domain/>'))).toBeNull();
  });
});

describe('a home volume', () => {
  const homeDisk = { overlay: '/pool/homes/h/overlay.qcow2', backing: { kind: 'nbd', socket: '/pool/mirror/nbd.sock', exportName: 'abc.h' } } as const;
  const disksOf = (of: DomainSpec): readonly XmlElement[] => child(readXml(domainXml(of, site)), 'devices')?.children.filter(({ name }) => name === 'disk') ?? [];

  it('is the last of the disks, by the name it has in the guest, and changes nothing else of the definition', () => {
    const [own, seed, home] = disksOf({ ...spec, homeDisk });
    expect([own, seed]).toEqual(disksOf(spec));
    if (home === undefined) throw new Error('There is no third disk.');
    expect(child(home, 'target')?.attributes).toEqual({ dev: 'vdc', bus: 'virtio' });
    expect(child(home, 'driver')?.attributes).toEqual(own === undefined ? null : child(own, 'driver')?.attributes);
    expect(domainXml({ ...spec, homeDisk }, site)).toContain('<serial>home</serial>');
    expect(domainXml({ ...spec, homeDisk }, site)).toContain('name="abc.h"');
  });

  it('is another definition than one without, and one over nothing names nothing below it', () => {
    expect(markOf({ ...spec, homeDisk }, site).definition).not.toBe(markOf(spec, site).definition);
    const blank = disksOf({ ...spec, homeDisk: { ...homeDisk, backing: null } })[2];
    expect(blank === undefined ? null : child(blank, 'backingStore')?.children).toEqual([]);
  });

  it('is refused with a socket whose path is too long, and with a path that cannot stand in XML', () => {
    expect(() => domainXml({ ...spec, homeDisk: { ...homeDisk, backing: { ...homeDisk.backing, socket: `/${'x'.repeat(120)}` } } }, site)).toThrow(/socket path/);
    expect(() => domainXml({ ...spec, homeDisk: { ...homeDisk, overlay: '/pool/\u0001' } }, site)).toThrow(HypervisorError);
  });
});
