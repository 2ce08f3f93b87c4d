import type { ApiProblem } from '@paravcl/shared/client/api-problem';
import type { HostInstall } from '@paravcl/shared/domain/host-install';
import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { call } from '../../../api/call';

/** Percents of an upload come faster than the feed tells. */
const everyMs = 1000;

/** What is done to a host, read again every second for as long as it goes on. */
export function useInstall(hostInstallId: string): UseQueryResult<HostInstall, ApiProblem> {
  return useQuery<HostInstall, ApiProblem>({
    queryKey: ['slaves', 'get /host-installs/:hostInstallId', hostInstallId],
    queryFn: ({ signal }) => call('get /host-installs/:hostInstallId', { params: { hostInstallId } }, { signal }),
    refetchInterval: ({ state }) => (state.data?.state === 'running' ? everyMs : false),
  });
}
