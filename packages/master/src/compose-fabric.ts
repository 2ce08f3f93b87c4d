import type { Router } from 'express';
import type { MasterConfig } from './config';
import type { BoundRoute } from './http/binding';
import { allowList } from './http/fabric/fabric-allow-list';
import { fabricRouter, type FabricRouterDeps } from './http/fabric/fabric-router';
import { fabricRoutes } from './http/fabric-routes';
import { ApiTokenService } from './services/api-token-service';
import { FabricService, type FabricServiceDeps } from './services/fabric-service';
import { PoolAddresses } from './services/pool-addresses';
import { principalOf } from './services/principal-of';
import { RefusalLimiter } from './services/refusal-limiter';
import { WindowCount } from './services/window-count';
import { certificateNames } from './tls/certificate-names';

export type FabricFoundation = FabricServiceDeps & Pick<FabricRouterDeps, 'log'> & { readonly config: Pick<MasterConfig, 'fabric' | 'network' | 'publicUrl' | 'tls'> };

const minuteMs = 60_000;
/** As many callers' requests as one address may send: several may be behind it. */
const callersOfAddress = 10;

/** The Fabric API: what is said of it in the REST API, and itself where the site asks for it. */
export function composeFabric({ config, log, ...deps }: FabricFoundation): { readonly routes: readonly BoundRoute[]; readonly routers: readonly { readonly path: string; readonly router: Router }[] } {
  const { enabled, allow, behindProxy, requestsPerMinute } = config.fabric;
  // Behind a proxy nobody acts without a token, whoever is named.
  const user = behindProxy ? null : config.fabric.user;
  const { unit, clock } = deps;
  const fabric = new FabricService(deps);
  const routes = fabricRoutes(fabric, { enabled, url: config.publicUrl, allow: [...allow], actsAs: user });
  if (!enabled) return { routes, routers: [] };
  const hosts = new PoolAddresses(unit, clock);
  const isOfGuestNetwork = allowList([`${config.network.gateway}/${String(config.network.prefix)}`]);
  const router = fabricRouter({
    fabric, log, user, behindProxy,
    ofAddress: new WindowCount(clock, { most: callersOfAddress * requestsPerMinute, windowMs: minuteMs }),
    ofCaller: new WindowCount(clock, { most: requestsPerMinute, windowMs: minuteMs }),
    refusals: new RefusalLimiter(clock, { refusals: requestsPerMinute, windowMs: minuteMs }),
    apiTokens: new ApiTokenService(unit, clock),
    isAllowed: allowList(allow),
    isOfGuests: async (address) => isOfGuestNetwork(address) || allowList(await hosts.addresses())(address),
    principalOfUser: async (name) => {
      const found = await unit.read.users.findByName(name);
      return found === null ? null : principalOf(unit.read, found.id);
    },
    isOwnName: ownNames([new URL(config.publicUrl).hostname, ...config.tls.names]),
  });
  return { routes, routers: [{ path: '/', router }] };
}

/** What the master's own certificate vouches for, as it is when somebody asks: a machine may get another address while it runs. */
function ownNames(extra: readonly string[]): (name: string) => boolean {
  return (name) => {
    const { dns, ip } = certificateNames(extra);
    return dns.includes(name) || ip.includes(name);
  };
}
