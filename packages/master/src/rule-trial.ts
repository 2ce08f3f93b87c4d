import type { PolicySection, RuleTrial } from '@paravcl/shared/api/site';
import type { MasterConfig } from './config';
import { ConfigError, configWith, type ConfigSource } from './config-file';
import { policyInForce, ruleSections } from './policy-in-force';

/**
 * What lines of YAML would change, were they in the configuration file at the next start: beside them, whatever was written into the
 * file since this start. Nothing is set: who may log in over the network does not write files of the server.
 */
export function tryRules(lines: string, source: ConfigSource, inForce: MasterConfig): RuleTrial {
  try {
    return { faults: [], changes: changesBetween(valuesOf(inForce), valuesOf(configWith(lines, ruleSections, source))) };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { faults: [...error.faults], changes: [] };
  }
}

type Value = PolicySection['values'][number]['value'];

const valuesOf = (config: MasterConfig): ReadonlyMap<string, Value> => new Map([['preset', config.preset] as const, ...policyInForce(config).flatMap(({ values }) => values.map(({ option, value }) => [option, value] as const))]);

function changesBetween(now: ReadonlyMap<string, Value>, then: ReadonlyMap<string, Value>): RuleTrial['changes'] {
  return [...new Set([...now.keys(), ...then.keys()])]
    .filter((option) => JSON.stringify(now.get(option)) !== JSON.stringify(then.get(option)))
    .map((option) => ({ option, now: now.get(option), then: then.get(option) }));
}
