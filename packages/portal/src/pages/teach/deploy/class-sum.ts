/** What so many machines of a size take together, and what of it fits into what is free now. */
export interface ClassSum {
  readonly vcpus: number;
  readonly ramMiB: number;
  /** So many machines can start now; null when what is free is not known. */
  readonly atOnce: number | null;
}

export interface Free {
  readonly vcpus: number;
  readonly ramMiB: number;
}

/** Counts over all slaves together: a machine must fit on one, so fewer may start at once, never more. */
export function sumOfClass(machines: number, size: Free, free: Free | null): ClassSum {
  const fits = free === null ? null : Math.min(machines, Math.floor(free.vcpus / size.vcpus), Math.floor(free.ramMiB / size.ramMiB));
  return { vcpus: machines * size.vcpus, ramMiB: machines * size.ramMiB, atOnce: fits };
}
