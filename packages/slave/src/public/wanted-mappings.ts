import type { PublicMapping } from '@paravcl/shared/domain/public-mapping';
import type { DesiredInstance } from '@paravcl/shared/protocol/desired-instance';
import type { JournalState } from '../agent/journal-state';

/** Something of the network outside that is to lead to a guest of this host. */
export interface WantedMapping {
  readonly instanceId: string;
  /** Of the machine, for sentences and for who lists the rules. */
  readonly name: string;
  /** Address of the guest in the site's network. */
  readonly guest: string;
  readonly mapping: PublicMapping;
}

/**
 * What should lead to which guest: the mappings of the instances that are ordered to run, or to leave as they run, and that do run
 * here. Always in the same order, so that the same orders make the same rules.
 */
export function wantedMappings(instances: JournalState['instances'], runsHere: (instanceId: string) => boolean): readonly WantedMapping[] {
  const ids = [...instances.keys()].filter(runsHere).sort();
  return ids.flatMap((instanceId) => {
    const desired = instances.get(instanceId)?.desired ?? null;
    const mappings = orderedMappings(desired);
    if (desired?.spec == null) return [];
    const { name, address: guest } = desired.spec;
    return [...mappings].sort((a, b) => (outsideOf(a) < outsideOf(b) ? -1 : 1)).map((mapping) => ({ instanceId, name, guest, mapping }));
  });
}

/** What an order has lead to its guest once it runs. */
export function orderedMappings(desired: DesiredInstance | null): readonly PublicMapping[] {
  return desired?.desired === 'running' || desired?.desired === 'sent' ? (desired.spec.public ?? []) : [];
}

/** What of the outside a mapping takes, in words that no other has: two mappings of the same cannot both be made. */
export function outsideOf(mapping: PublicMapping): string {
  return mapping.kind === 'address' ? mapping.address : `port ${String(mapping.publicPort)}/${mapping.transport}`;
}
