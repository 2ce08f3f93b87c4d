import { keepPreviousData, useQuery, type UseQueryResult } from '@tanstack/react-query';
import type { ReservationAnswer } from '@paravcl/shared/api/reservations';
import { call } from '../../api/call';
import type { ApiProblem } from '@paravcl/shared/client/api-problem';
import { useSettled } from '../../states/use-settled';
import type { ReservationBody } from './reservation-form';

const settledMs = 400;

/** What the reservation in the form would come to, asked again as the form changes and as others reserve. */
export function useCheck(body: ReservationBody | null): UseQueryResult<ReservationAnswer, ApiProblem> & { readonly isOld: boolean } {
  const key = JSON.stringify(body);
  const asked = useSettled(key, settledMs);
  const settled = JSON.parse(asked) as ReservationBody | null;
  const result = useQuery<ReservationAnswer, ApiProblem>({
    queryKey: ['reservations', 'post /reservations/check', asked],
    queryFn: ({ signal }) => {
      if (settled === null) throw new Error('Nothing is asked yet.');
      return call('post /reservations/check', { body: settled }, { signal });
    },
    enabled: settled !== null,
    placeholderData: keepPreviousData,
  });
  return { ...result, isOld: key !== asked || result.isPlaceholderData || result.isFetching };
}
