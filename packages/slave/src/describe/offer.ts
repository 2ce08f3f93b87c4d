/** What of this host is lent to the lab; what is left unsaid is lent whole. The rest stays with whoever sits at it. */
export interface Offer {
  readonly cores?: number | undefined;
  readonly ramMiB?: number | undefined;
}

interface Sizes {
  readonly cores: number;
  readonly threads: number;
  readonly ramTotalMiB: number;
  readonly ramAvailableMiB: number;
}

/**
 * The host's sizes as the lab may use them: never more than it has, never more than is offered. A core is
 * lent with its threads. The master places by these, so an offer needs nothing on its side.
 */
export function lent(own: Sizes, offer: Offer): Sizes {
  const cores = Math.min(own.cores, offer.cores ?? own.cores);
  return {
    cores,
    threads: Math.min(own.threads, Math.max(cores, Math.floor((own.threads / own.cores) * cores))),
    ramTotalMiB: Math.min(own.ramTotalMiB, offer.ramMiB ?? own.ramTotalMiB),
    ramAvailableMiB: lentRamMiB(own.ramAvailableMiB, offer),
  };
}

/** RAM free at this moment, MiB, bounded by the offer. */
export function lentRamMiB(availableMiB: number, offer: Offer): number {
  return Math.min(availableMiB, offer.ramMiB ?? availableMiB);
}
