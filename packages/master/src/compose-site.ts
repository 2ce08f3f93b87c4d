import type { MasterConfig } from './config';
import type { ConfigSource } from './config-file';
import type { UnitOfWork } from './db/unit-of-work';
import type { BoundRoute } from './http/binding';
import { siteRoutes } from './http/site-routes';
import { masterVersion } from './master-version';
import { policyInForce } from './policy-in-force';
import { tryRules } from './rule-trial';
import type { InstanceSettings } from './services/instance-settings';

/** What the site tells of itself: to anybody, to who is logged in, and the policy in force. */
export function composeSite({ unit, config, source, instances }: { readonly unit: UnitOfWork; readonly config: MasterConfig; readonly source: ConfigSource; readonly instances: InstanceSettings }): readonly BoundRoute[] {
  const { site, placement, preset } = config;
  return siteRoutes({
    unit,
    details: {
      name: site.name, timeZone: site.timeZone, version: masterVersion(), placementPolicy: placement.policy.startsWith('module:') ? 'module' : placement.policy,
      minutes: instances.minutes, guests: instances.defaults, homeMiB: instances.homeMiB,
    },
    policy: { preset, sections: policyInForce(config) },
    tryRules: (lines) => tryRules(lines, source, config),
  });
}
