import { QueryClient } from '@tanstack/react-query';
import { ApiProblem } from '@paravcl/shared/client/api-problem';

/** What was read stays fresh until the feed says that it changed; what failed for want of the master is tried again. */
export function makeQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 60_000,
        retry: (count, error) => count < 3 && (!(error instanceof ApiProblem) || error.status === 0 || error.status === 503),
        refetchOnWindowFocus: true,
      },
      mutations: { retry: false },
    },
  });
}
