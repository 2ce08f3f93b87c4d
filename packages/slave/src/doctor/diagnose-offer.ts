import type { Offer } from '../describe/offer';
import { ok, warning, type Finding } from '@paravcl/shared/finding';

export interface OfferFacts {
  readonly offer: Offer;
  /** What this host has. */
  readonly cores: number;
  readonly ramMiB: number;
}

/** An offer above what there is harms nobody, but somebody who wrote it thinks of another machine. */
export function diagnoseOffer({ offer, cores, ramMiB }: OfferFacts): readonly Finding[] {
  const exceeding = [
    ...(offer.cores !== undefined && offer.cores > cores ? [`The configuration offers ${offer.cores} cores and this host has ${cores}: ${cores} are lent.`] : []),
    ...(offer.ramMiB !== undefined && offer.ramMiB > ramMiB ? [`The configuration offers ${offer.ramMiB} MiB of RAM and this host has ${ramMiB}: ${ramMiB} are lent.`] : []),
  ];
  if (exceeding.length > 0) return exceeding.map((sentence) => warning('offer', `${sentence} Lower offer in slave.yaml, or leave it out.`, null));
  if (offer.cores === undefined && offer.ramMiB === undefined) return [ok('offer', `The whole host is lent to the lab: ${cores} cores, ${ramMiB} MiB of RAM.`)];
  return [ok('offer', `Lent to the lab: ${offer.cores ?? cores} of ${cores} cores, ${offer.ramMiB ?? ramMiB} of ${ramMiB} MiB of RAM.`)];
}
