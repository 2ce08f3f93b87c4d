import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sleep, systemClock } from '@paravcl/shared/clock';
import { demoGuestReadyPattern } from '@paravcl/workbench/guest/demo-guest';
import { demoGuestImages, type DemoGuestImages } from '../fixtures/demo-guest-images';
import { MirrorOfPool } from '../fixtures/mirror-of-pool';
import { realHost, virsh } from '../fixtures/real-host';

jest.setTimeout(240_000);

let images: DemoGuestImages;
beforeAll(async () => (images = await demoGuestImages()));

/** Wherever libvirt, QEMU, dnsmasq and AppArmor keep something of a domain. */
const placesOfLibvirt = ['/etc/libvirt', '/var/lib/libvirt', '/var/log/libvirt', '/run/libvirt', '/var/cache/libvirt', '/etc/apparmor.d/libvirt', '/run/systemd/machines', '/dev/shm'];

function everythingBelow(directory: string): readonly string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    return entry.isDirectory() ? [path, ...everythingBelow(path)] : [path];
  });
}

/** Paths that are called by one of the words, or files that hold one. */
function traces(directories: readonly string[], words: readonly string[]): readonly string[] {
  return directories.flatMap(everythingBelow).filter((path) => {
    if (words.some((word) => path.includes(word))) return true;
    return lstatSync(path).isFile() && words.some((word) => readFileSync(path).includes(word));
  });
}

/** Processes of this host that were started for one of the words. */
function processesOf(words: readonly string[]): readonly string[] {
  const commands = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    } catch {
      return ''; // It ended meanwhile.
    }
  });
  return commands.filter((command) => words.some((word) => command.includes(word)));
}

async function until<T>(what: string, look: () => Promise<T | null> | T | null): Promise<T> {
  const end = Date.now() + 60_000;
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    if (Date.now() > end) throw new Error(`never came: ${what}`);
    await sleep(systemClock, 100);
  }
}

/** What only this boot of the guest knows and wrote on its disk, and the address it has. */
const bootOf = (serial: () => Promise<string>): Promise<{ readonly secret: string; readonly address: string }> =>
  until('the guest’s ready line', async () => {
    const { boot, address } = demoGuestReadyPattern.exec(await serial())?.groups ?? {};
    return boot === undefined || address === undefined ? null : { secret: boot, address };
  });

test('of an instance that is deleted nothing remains on its host: no path, no file that holds what its guest wrote, no process', async () => {
  const name = 'i-clean-9f3b';
  const { instanceId, spec, pool, startAgent, order, reaches, serial, welcome, cleanUp, settled } = await realHost(6, { images, spec: { name, seed: { hostname: name, user: 'student', sshPublicKeys: [], vendorData: '#cloud-config\n# the-secret-of-a-teacher\n' } } });
  const mirror = await MirrorOfPool.start(pool, images.source);
  try {
    await startAgent();
    welcome();
    order(1, 'running');
    await reaches('running');
    const { secret } = await bootOf(serial);
    order(2, 'suspended');
    await reaches('suspended');

    // The look finds what is there: the disk and the saved RAM that hold the secret, the definition, the address, the log.
    const words = [instanceId, name, spec.mac, secret, 'the-secret-of-a-teacher'];
    const overlay = join(pool, 'instances', instanceId, 'overlay.qcow2');
    expect(traces([pool], [secret])).toContain(overlay);
    expect(traces([pool], ['the-secret-of-a-teacher'])).toEqual([join(pool, 'instances', instanceId, 'seed.iso')]);
    const ofLibvirt = traces(placesOfLibvirt, words);
    expect(ofLibvirt).toEqual(expect.arrayContaining([`/etc/libvirt/qemu/pv-${name}.xml`, `/var/lib/libvirt/qemu/save/pv-${name}.save`, `/var/log/libvirt/qemu/pv-${name}.log`]));
    expect(ofLibvirt.filter((path) => path.includes('/dnsmasq/'))).not.toEqual([]);

    order(3, 'running');
    await reaches('running');
    expect(processesOf([instanceId])).not.toEqual([]);
    expect(readFileSync('/proc/net/unix', 'utf8')).toContain(join(pool, 'instances', instanceId, 'run', 'vnc.sock'));
    order(4, 'deleted');
    await reaches('deleted');
    await settled();

    expect(traces([pool], words)).toEqual([]);
    expect(traces(placesOfLibvirt, words)).toEqual([]);
    expect(processesOf([instanceId, name])).toEqual([]);
    expect(readdirSync(join(pool, 'instances'))).toEqual([]);
    expect(virsh('net-dhcp-leases', '--', 'pv-agent')).not.toContain(spec.mac);
    expect(readFileSync('/proc/net/unix', 'utf8')).not.toContain(instanceId);
  } finally {
    await cleanUp();
    await mirror.stop();
  }
});

test('an instance that is reset begins from its image, with its MAC and its address; what its guest wrote, on its disk and in its saved RAM, is gone', async () => {
  const { instanceId, spec, pool, startAgent, endAgent, seen, order, reaches, serial, welcome, cleanUp } = await realHost(7, { images });
  const mirror = await MirrorOfPool.start(pool, images.source);
  const overlay = join(pool, 'instances', instanceId, 'overlay.qcow2');
  try {
    await startAgent();
    welcome();
    order(1, 'running');
    await reaches('running');
    const first = await bootOf(serial);
    await until('what the guest wrote, in its overlay', () => (readFileSync(overlay).includes(first.secret) ? true : null));

    // Killed as soon as it was told, which is as good as anywhere: the next agent goes on from what is there.
    order(2, 'running', null, 2);
    await until('the order in the journal', () => (seen()?.generation === 2 ? true : null));
    await endAgent();
    await startAgent();
    welcome();
    await until('it runs anew', () => (seen()?.state === 'running' && seen()?.generation === 2 ? true : null));
    expect(seen()).toMatchObject({ diskEpoch: 2, reason: null });
    const second = await bootOf(serial);
    expect(second.secret).not.toBe(first.secret);
    expect(second.address).toBe(first.address);
    expect(virsh('domiflist', '--', instanceId)).toContain(spec.mac);
    await until('what the guest wrote, in its overlay', () => (readFileSync(overlay).includes(second.secret) ? true : null));
    expect(traces([pool, ...placesOfLibvirt], [first.secret])).toEqual([]);

    order(3, 'suspended', null, 2);
    await reaches('suspended');
    const save = `/var/lib/libvirt/qemu/save/pv-${spec.name}.save`;
    expect(existsSync(save)).toBe(true);
    order(4, 'stopped', null, 3);
    await until('it is off and nothing is made', () => (seen()?.generation === 4 && seen()?.state === 'stopped' ? true : null));
    expect(seen()?.diskEpoch).toBe(3);
    expect(traces([pool, ...placesOfLibvirt], [second.secret])).toEqual([]);
    expect([existsSync(save), existsSync(overlay), virsh('list', '--all', '--uuid').includes(instanceId)]).toEqual([false, false, false]);
    // Nobody else is given its address meanwhile.
    expect(virsh('net-dumpxml', '--', 'pv-agent')).toContain(spec.mac);

    order(5, 'running', null, 3);
    await reaches('running');
    expect((await bootOf(serial)).address).toBe(first.address);
    order(6, 'deleted');
    await reaches('deleted');
  } finally {
    await cleanUp();
    await mirror.stop();
  }
});
