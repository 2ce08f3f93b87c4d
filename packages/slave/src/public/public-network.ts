import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SiteNetwork } from '@paravcl/shared/domain/slave';
import { runTool, type RunTool } from '../describe/run-tool';
import { setForwardAccept } from './forward-accept';
import { ownAddressMetric, readAddresses, readListeners, readWay, type HostAddress, type HostSight, type Listener, type WayOut } from './host-sight';
import { runHostTool } from './host-tool';
import { judgeMappings, type MadeMapping, type RefusedMapping } from './judge-mappings';
import { publicRules, tableName } from './public-rules';
import type { WantedMapping } from './wanted-mappings';

/** What of the network outside leads to the guests of this host. */
export interface PublicNetwork {
  /**
   * Makes that these mappings are there and no others of ours, whatever was before. Answers those that cannot be. Throws with a
   * sentence when the host does not do as it is told; what is in force is then not known.
   */
  apply(wanted: readonly WantedMapping[], network: SiteNetwork | null): Promise<readonly RefusedMapping[]>;
}

/** By nftables and addresses of this host's interfaces. Nothing of it is remembered here: the kernel tells what is ours. */
export class HostPublicNetwork implements PublicNetwork {
  constructor(
    private readonly run: RunTool = runTool,
    private readonly proc = '/proc',
  ) {}

  async apply(wanted: readonly WantedMapping[], network: SiteNetwork | null): Promise<readonly RefusedMapping[]> {
    const addresses = await this.addresses();
    if (wanted.length === 0 || network === null) {
      await this.removeAddresses(addresses, []);
      await this.mapNothing(network);
      return [];
    }
    const { made, refused } = judgeMappings(wanted, network, await this.sight(wanted, addresses));
    // An address goes before its rules and comes after them: while we answer for it, it is the guest's and never the host's.
    await this.removeAddresses(addresses, made);
    await this.write(publicRules(made, network));
    await setForwardAccept(this.run, made.length > 0);
    await this.addAddresses(addresses, made);
    return refused;
  }

  /** Where nothing was ever mapped since the host's boot, nothing is touched. */
  private async mapNothing(network: SiteNetwork | null): Promise<void> {
    const table = await this.run('nft', ['list', 'table', 'ip', tableName], 10_000);
    if (table.exitStatus === 0) {
      if (network === null) await runHostTool(this.run, 'nft', ['delete', 'table', 'ip', tableName]);
      else await this.write(publicRules([], network));
    }
    await setForwardAccept(this.run, false);
  }

  private async sight(wanted: readonly WantedMapping[], addresses: readonly HostAddress[]): Promise<HostSight> {
    const unknown = wanted.flatMap(({ mapping }) => (mapping.kind === 'address' && !addresses.some(({ address }) => address === mapping.address) ? [mapping.address] : []));
    const [forwards, listeners, ...ways] = await Promise.all([
      readFile(join(this.proc, 'sys/net/ipv4/ip_forward'), 'utf8'),
      this.listeners(),
      ...unknown.map(async (address): Promise<readonly [string, WayOut | null]> => [address, await this.wayTo(address)]),
    ]);
    return { forwards: forwards.trim() !== '0', addresses, listeners, ways: new Map(ways.flatMap(([address, way]) => (way === null ? [] : [[address, way] as const]))) };
  }

  private async addresses(): Promise<readonly HostAddress[]> {
    return readAddresses(await runHostTool(this.run, 'ip', ['-json', '-4', 'address', 'show']));
  }

  /** Null when there is none: ip(8) says so by failing. */
  private async wayTo(address: string): Promise<WayOut | null> {
    const result = await this.run('ip', ['-json', '-4', 'route', 'get', address], 10_000);
    return result.exitStatus === 0 ? readWay(result.stdout) : null;
  }

  private async listeners(): Promise<readonly Listener[]> {
    const files = (['tcp', 'udp'] as const).flatMap((transport) => ['', '6'].map((version) => ({ transport, file: join(this.proc, 'net', transport + version) })));
    // A kernel without IPv6 has two of them only.
    const texts = await Promise.all(files.map(async ({ transport, file }) => readListeners(transport, await readFile(file, 'utf8').catch(() => ''))));
    return texts.flat();
  }

  private write(rules: string): Promise<string> {
    return runHostTool(this.run, 'nft', ['-f', '-'], rules);
  }

  private async removeAddresses(addresses: readonly HostAddress[], made: readonly MadeMapping[]): Promise<void> {
    for (const { address, device, own } of addresses) {
      if (!own || made.some((one) => isAddressOn(one, address, device))) continue;
      await runHostTool(this.run, 'ip', ['address', 'delete', `${address}/32`, 'dev', device]);
    }
  }

  private async addAddresses(addresses: readonly HostAddress[], made: readonly MadeMapping[]): Promise<void> {
    for (const { mapping, device } of made) {
      if (mapping.kind !== 'address' || device === null || addresses.some((one) => one.own && one.address === mapping.address)) continue;
      await runHostTool(this.run, 'ip', ['address', 'add', `${mapping.address}/32`, 'dev', device, 'metric', String(ownAddressMetric)]);
    }
  }
}

function isAddressOn({ mapping, device: wanted }: MadeMapping, address: string, device: string): boolean {
  return mapping.kind === 'address' && mapping.address === address && wanted === device;
}
