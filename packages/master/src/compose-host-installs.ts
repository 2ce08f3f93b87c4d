import { lookup } from 'node:dns/promises';
import { arch, networkInterfaces } from 'node:os';
import type { BoundRoute } from './http/binding';
import { hostInstallRoutes } from './http/host-install-routes';
import { HostInstallService, type HostInstallParts } from './services/host-install-service';
import { SshHostDialler } from './ssh/host-dialler';
import type { HostInstallOptions } from './config-host-installs';

export interface HostInstallFoundation extends Omit<HostInstallParts, 'dialler' | 'resolve' | 'rules' | 'atOnce' | 'arch'> {
  readonly options: Pick<HostInstallOptions, 'networks' | 'ports' | 'atOnce'>;
}

/** As `uname -m` says it: the Node that is brought along is of this master's kind. */
const machineNames: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' };

/** Installing hosts by SSH, wired. */
export function composeHostInstalls({ options, ...parts }: HostInstallFoundation): { readonly installs: HostInstallService; readonly routes: readonly BoundRoute[] } {
  const { networks, ports, atOnce } = options;
  const installs = new HostInstallService({
    ...parts,
    dialler: new SshHostDialler(),
    resolve: (name) => lookup(name, { all: true, order: 'verbatim' }).then((found) => found.map(({ address }) => address), () => []),
    // Asked each time: addresses of this machine come and go.
    rules: () => ({ networks, ports, ownAddresses: Object.values(networkInterfaces()).flatMap((addresses = []) => addresses.map(({ address }) => address)) }),
    atOnce,
    arch: machineNames[arch()] ?? arch(),
  });
  return { installs, routes: hostInstallRoutes(installs) };
}
