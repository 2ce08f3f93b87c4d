import type { AddressCheck } from '@paravcl/shared/domain/slave';

/** What the slave enrolled with, and what of it was seen last. */
export interface EnrolledIdentity {
  readonly publicKey: string;
  readonly machineId: string;
  /** Physical MACs at enrolment; one of them must be present. */
  readonly macs: readonly string[];
  readonly enrolledAddress: string | null;
  /** Address of its last accepted connection. */
  readonly lastAddress: string | null;
  /** Highest count of agent starts seen; 0 before the first hello. */
  readonly epoch: number;
}

/** What a connection shows. Its signature has been checked against the key it presents. */
export interface PresentedIdentity {
  readonly publicKey: string;
  readonly machineId: string;
  readonly macs: readonly string[];
  readonly address: string;
  readonly epoch: number;
}

export type IdentityVerdict =
  /** It is the enrolled machine. `addressChange` is a sentence when its address is news (`warn`). */
  | { readonly kind: 'same'; readonly addressChange: string | null }
  | { readonly kind: 'other'; readonly keyMatches: boolean; readonly sentence: string };

/**
 * Whether a slave that comes back is the machine that enrolled (DEFINITIONS, "Identity check"): key and
 * machine id must match, one enrolled MAC must be present, the address follows `addressCheck`, and an
 * agent that counts fewer starts than were seen is an old copy (a cloned disk, a restored backup).
 * Every fault is in the sentence, because the operator has to judge them together.
 */
export function judgeIdentity(enrolled: EnrolledIdentity, presented: PresentedIdentity, addressCheck: AddressCheck): IdentityVerdict {
  const keyMatches = presented.publicKey === enrolled.publicKey;
  const faults = [
    keyMatches ? null : 'with another key than the one it enrolled with',
    presented.machineId === enrolled.machineId ? null : `with machine id ${presented.machineId}; ${enrolled.machineId} is enrolled`,
    macFault(enrolled.macs, presented.macs),
    addressCheck !== 'strict' || enrolled.enrolledAddress === null || presented.address === enrolled.enrolledAddress
      ? null
      : `from address ${presented.address}; ${enrolled.enrolledAddress} is enrolled and the address check is strict`,
    presented.epoch >= enrolled.epoch ? null : `as an old copy of its agent (start ${presented.epoch}; start ${enrolled.epoch} was seen already)`,
  ].filter((fault) => fault !== null);
  if (faults.length > 0) return { kind: 'other', keyMatches, sentence: `It came back ${joinWithAnd(faults)}.` };
  return { kind: 'same', addressChange: addressChange(enrolled, presented, addressCheck) };
}

function macFault(enrolled: readonly string[], presented: readonly string[]): string | null {
  if (presented.some((mac) => enrolled.includes(mac))) return null;
  return `with none of its enrolled MACs (${listed(enrolled)}), but with ${listed(presented)}`;
}

/** Said once per change: compared with the last address, not with the enrolled one. */
function addressChange(enrolled: EnrolledIdentity, presented: PresentedIdentity, addressCheck: AddressCheck): string | null {
  if (addressCheck !== 'warn') return null;
  const before = enrolled.lastAddress ?? enrolled.enrolledAddress;
  return before === null || before === presented.address ? null : `It came back from address ${presented.address}; before it was ${before}.`;
}

const listed = (macs: readonly string[]): string =>
  macs.length === 0 ? 'no network card at all' : macs.length <= 4 ? macs.join(', ') : `${macs.slice(0, 4).join(', ')} and ${macs.length - 4} more`;

const joinWithAnd = (parts: readonly string[]): string => (parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')}, and ${parts.at(-1) ?? ''}`);
