import { sleep, type Clock } from '@paravcl/shared/clock';
import type { SiteNetwork } from '@paravcl/shared/domain/slave';
import { type AddressReservation, HypervisorError } from '../driver';
import { sendDhcpRelease } from './dhcp-release';
import { hostXml, networkXml, readNetwork, type NetworkFacts } from './network-xml';
import { type Lease, parseFields, parseLeases } from './virsh-reports';
import { virshError } from './virsh-failure';
import type { Virsh } from './virsh';

const releaseTries = 20;
const releaseWaitMs = 50;

/**
 * The site's NAT network on this host. Every change reads, compares and writes, so all of them go one
 * after another.
 */
export class LibvirtSiteNetwork {
  private site: SiteNetwork | null = null;
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly virsh: Virsh,
    private readonly clock: Clock,
    /** Names of the domains, ours or foreign, with an interface on the named network. */
    private readonly usersOf: (network: string) => Promise<readonly string[]>,
  ) {}

  /** libvirt name of the network. Throws `wrong-state` before the first `ensure`. */
  get name(): string {
    return this.ensured().name;
  }

  ensure(network: SiteNetwork): Promise<void> {
    return this.inTurn(async () => {
      let found = await this.look(network.name);
      if (found !== null && !isAs(found.facts, network)) {
        await this.removeOther(network, found.facts, found.active);
        found = null;
      }
      if (found === null) await this.virsh.runWithFile(['net-define'], networkXml(network));
      if (found?.autostart !== true) await this.virsh.run(['net-autostart', '--network', network.name]);
      if (found?.active !== true) await this.virsh.run(['net-start', '--network', network.name]);
      this.site = network;
    });
  }

  reserve(reservation: AddressReservation): Promise<void> {
    return this.inTurn(async () => {
      const wanted = { ...reservation, mac: reservation.mac.toLowerCase() };
      const present = await this.present();
      const clashing = present.filter((each) => each.mac === wanted.mac || each.address === wanted.address || each.name === wanted.name);
      if (clashing.length === 1 && clashing[0] !== undefined && sameReservation(clashing[0], wanted)) return;
      for (const each of clashing) await this.remove(each);
      await this.update('add-last', wanted);
    });
  }

  release(mac: string): Promise<void> {
    return this.inTurn(async () => {
      const wanted = mac.toLowerCase();
      for (const each of (await this.present()).filter((one) => one.mac === wanted)) await this.remove(each);
      await this.giveLeaseBack(wanted);
    });
  }

  reservations(): Promise<readonly AddressReservation[]> {
    return this.inTurn(() => this.present());
  }

  async leases(): Promise<readonly Lease[]> {
    return parseLeases(await this.virsh.run(this.leasesCommand()));
  }

  /** The virsh command that prints the leases. Throws `wrong-state` before the first `ensure`. */
  leasesCommand(): readonly string[] {
    return ['net-dhcp-leases', '--network', this.name];
  }

  /** Before a guest boots: its lease of the boot before must not count. */
  forgetLease(mac: string): Promise<void> {
    return this.inTurn(() => this.giveLeaseBack(mac.toLowerCase()));
  }

  /**
   * The lease first: what is owed is known by the entry alone. The other way round a crash in between would leave a lease
   * that never ends, and dnsmasq would refuse its address to the next guest that is given it.
   */
  private async remove(reservation: AddressReservation): Promise<void> {
    await this.giveLeaseBack(reservation.mac);
    await this.update('delete', reservation);
  }

  private async update(verb: 'add-last' | 'delete', reservation: AddressReservation): Promise<void> {
    await this.virsh.run(['net-update', '--network', this.name, '--command', verb, '--section', 'ip-dhcp-host', '--xml', hostXml(reservation), '--live', '--config']);
  }

  private async giveLeaseBack(mac: string): Promise<void> {
    const { gateway, prefix, bridge, name } = this.ensured();
    for (let tries = 0; tries < releaseTries; tries += 1) {
      const held = (await this.leases()).filter((lease) => lease.mac === mac);
      if (held.length === 0) return;
      // One datagram may be lost, as any: it is sent anew until the lease is gone.
      for (const { address } of held) await sendDhcpRelease(mac, address, gateway, prefix);
      await sleep(this.clock, releaseWaitMs);
    }
    throw new HypervisorError(
      'failed',
      `dnsmasq on ${bridge} keeps the lease of ${mac}, so its address cannot be given to another. Restart the network when no guest runs: virsh net-destroy ${name}; virsh net-start ${name}`,
    );
  }

  private async present(): Promise<readonly AddressReservation[]> {
    return readNetwork(await this.virsh.run(['net-dumpxml', '--network', this.name])).reservations;
  }

  private async look(name: string): Promise<{ facts: NetworkFacts; active: boolean; autostart: boolean } | null> {
    const { sections, stderr } = await this.virsh.batch([
      ['net-info', '--network', name],
      ['net-dumpxml', '--network', name, '--inactive'],
    ]);
    const [info = '', xml = ''] = sections;
    if (xml === '') {
      if (/Network not found|failed to get network/i.test(stderr)) return null;
      throw virshError('net-dumpxml', stderr);
    }
    const fields = parseFields(info);
    return { facts: readNetwork(xml), active: fields['Active'] === 'yes', autostart: fields['Autostart'] === 'yes' };
  }

  private async removeOther(network: SiteNetwork, other: NetworkFacts, active: boolean): Promise<void> {
    const users = await this.usersOf(network.name);
    if (users.length > 0) {
      throw new HypervisorError(
        'wrong-state',
        `libvirt network "${network.name}" is ${other.gateway}/${String(other.prefix)} on ${other.bridge}, the site's is ${network.gateway}/${String(network.prefix)} on ${network.bridge}, and ${users.join(', ')} uses it. Remove that from this host, or give the site's network another name; the agent then makes it anew.`,
      );
    }
    if (active) await this.virsh.run(['net-destroy', '--network', network.name]);
    await this.virsh.run(['net-undefine', '--network', network.name]);
  }

  private ensured(): SiteNetwork {
    if (this.site === null) throw new HypervisorError('wrong-state', 'the site network is not known yet: call ensureNetwork first');
    return this.site;
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.last.then(work, work);
    this.last = turn.catch(() => undefined);
    return turn;
  }
}

function isAs(facts: NetworkFacts, network: SiteNetwork): boolean {
  return facts.gateway === network.gateway && facts.prefix === network.prefix && facts.bridge === network.bridge && facts.forward === 'nat';
}

function sameReservation(a: AddressReservation, b: AddressReservation): boolean {
  return a.mac === b.mac && a.address === b.address && a.name === b.name;
}
