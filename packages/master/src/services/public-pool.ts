import type { PublicMapping } from '@paravcl/shared/domain/public-mapping';

/** The pool as the site set it, each address by itself. */
export interface PublicPoolSettings {
  readonly addresses: readonly string[];
  /** Of each slave's own address; null: none are mapped. */
  readonly ports: { readonly from: number; readonly to: number } | null;
  /** Mappings that the machines of one person may have at a time. */
  readonly perUser: number;
}

/** Without addresses and ports it is off. */
export const isPoolOn = ({ addresses, ports }: PublicPoolSettings): boolean => addresses.length > 0 || ports !== null;

export function isInPool({ addresses, ports }: PublicPoolSettings, mapping: PublicMapping): boolean {
  return mapping.kind === 'address' ? addresses.includes(mapping.address) : ports !== null && mapping.publicPort >= ports.from && mapping.publicPort <= ports.to;
}

/** "the address 203.0.113.7", "port 40000 (tcp)". */
export const sayPublic = (mapping: PublicMapping): string => (mapping.kind === 'address' ? `the address ${mapping.address}` : `port ${mapping.publicPort} (${mapping.transport})`);
