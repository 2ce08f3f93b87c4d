import { useState } from 'react';
import type { UseQueryResult } from '@tanstack/react-query';
import type { Answered } from '@paravcl/shared/client/routes';
import type { ApiProblem } from '@paravcl/shared/client/api-problem';
import { useGet } from '../../api/use-api';
import { addDays, beginOf, daysBetween, wallAt } from '../../states/zone-time';

export const daysShown = 7;
const everyMs = 5 * 60_000;

export interface CapacityView {
  readonly of: UseQueryResult<Answered<'get /capacity'>, ApiProblem>;
  readonly timeZone: string | undefined;
  /** "2026-12-07" in the site's zone; null until that is known. */
  readonly today: string | null;
  /** A date of the seven days that are shown. */
  readonly date: string | null;
  readonly show: (date: string) => void;
}

/** Free room of seven days: from today, or of one of the weeks after that. */
export function useCapacity(): CapacityView {
  const [chosen, setChosen] = useState<string | null>(null);
  // An hour more than seven days where the clocks go back; today has begun.
  const first = useGet('pool', 'get /capacity', { query: { hours: (daysShown + 1) * 24 } }, { everyMs });
  const timeZone = first.data?.timeZone;
  const today = timeZone === undefined ? null : wallAt(Date.now(), timeZone).date;
  // Tomorrow is what is picked at first.
  const date = today === null ? null : chosen === null ? addDays(today, 1) : chosen < today ? today : chosen;
  const week = today === null || date === null ? 0 : Math.floor(daysBetween(today, date) / daysShown);
  const from = timeZone === undefined || today === null ? undefined : new Date(beginOf(addDays(today, week * daysShown), timeZone)).toISOString();
  const later = useGet('pool', 'get /capacity', { query: { from, hours: daysShown * 24 + 1 } }, { everyMs, enabled: week > 0 });
  return { of: week > 0 ? later : first, timeZone, today, date, show: setChosen };
}
