import type { FabricType } from '@paravcl/shared/api/fabric';

export type FabricSize = Omit<FabricType, 'tid'>;

export interface KnownType extends FabricType {
  readonly retired: boolean;
}

export interface Redefined {
  /** What is offered from now on, in the order it was asked for. */
  readonly offered: readonly FabricType[];
  /** Types to be written: new ones, those that come back, and those that are retired. */
  readonly changed: readonly KnownType[];
  /** The tid given last. */
  readonly last: number;
}

const same = (one: FabricSize, other: FabricSize): boolean => one.name === other.name && one.vcpus === other.vcpus && one.ramMiB === other.ramMiB && one.diskMiB === other.diskMiB;

/**
 * The types after they were said anew. One of the same name and size is the type it was, also when it was left out for a while; any
 * other gets the next tid, for what a tid means never changes under a client.
 */
export function redefineTypes(known: readonly KnownType[], wished: readonly FabricSize[], last: number): Redefined {
  let next = last;
  const offered = wished.map((size): FabricType => known.find((type) => same(type, size)) ?? { ...size, tid: ++next }).map(({ tid, name, vcpus, ramMiB, diskMiB }) => ({ tid, name, vcpus, ramMiB, diskMiB }));
  const kept = new Set(offered.map(({ tid }) => tid));
  const retired = known.filter(({ tid, retired: already }) => !already && !kept.has(tid)).map((type) => ({ ...type, retired: true }));
  const open = new Set(known.filter(({ retired: already }) => !already).map(({ tid }) => tid));
  return { offered, changed: [...offered.filter(({ tid }) => !open.has(tid)).map((type) => ({ ...type, retired: false })), ...retired], last: next };
}
