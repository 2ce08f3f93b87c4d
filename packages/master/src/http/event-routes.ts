import { listEvents } from '@paravcl/shared/api/events';
import type { UnitOfWork } from '../db/unit-of-work';
import { bind, type BoundRoute } from './binding';

export interface EventRoutesDeps {
  readonly unit: UnitOfWork;
}

/** Reading the log decides nothing, so it needs no service. */
export function eventRoutes({ unit }: EventRoutesDeps): BoundRoute[] {
  return [
    bind(listEvents, async ({ query: { since, until, ...filter } }) => {
      const page = await unit.read.events.page({ ...filter, since: asTime(since), until: asTime(until) });
      return { body: { items: [...page.items], next: page.next } };
    }),
  ];
}

const asTime = (text: string | undefined): number | undefined => (text === undefined ? undefined : Date.parse(text));
