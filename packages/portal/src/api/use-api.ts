import type { FeedTopic } from '@paravcl/shared/api/feed';
import { keepPreviousData, useMutation, useQuery, useQueryClient, type UseMutationResult, type UseQueryResult } from '@tanstack/react-query';
import { useState } from 'react';
import { call } from './call';
import type { Answered, Asked, GetKey, RouteKey } from '@paravcl/shared/client/routes';
import { IntentKeys } from './intent-keys';
import type { ApiProblem } from '@paravcl/shared/client/api-problem';

/** What is asked again when the feed tells of a topic: its queries begin with the topic's name. `none`: nothing tells of it. */
export type Topic = FeedTopic | 'none';

export interface GetOptions {
  /** False: not asked yet. */
  readonly enabled?: boolean;
  /** Asked again this often, for what no feed tells of. */
  readonly everyMs?: number;
}

/** Reads a route, and again whenever something of its topic changes. What was there stays until the new answer is. */
export function useGet<Key extends GetKey>(topic: Topic, key: Key, asked: Asked<Key>, { enabled = true, everyMs }: GetOptions = {}): UseQueryResult<Answered<Key>, ApiProblem> {
  return useQuery<Answered<Key>, ApiProblem>({
    queryKey: [topic, key, asked],
    queryFn: ({ signal }) => call(key, asked, { signal }),
    enabled,
    placeholderData: keepPreviousData,
    ...(everyMs === undefined ? {} : { refetchInterval: everyMs }),
  });
}

/** Does something by a route, once even when it is asked again after a lost answer; afterwards what it may have changed is read again at once, before the feed says so. */
export function useDo<Key extends RouteKey>(key: Key, changes: readonly Topic[]): UseMutationResult<Answered<Key>, ApiProblem, Asked<Key>> {
  const [keys] = useState(() => new IntentKeys());
  const isPost = key.startsWith('post ');
  const client = useQueryClient();
  return useMutation<Answered<Key>, ApiProblem, Asked<Key>>({
    mutationFn: (asked) => (isPost ? keys.ask(asked, (own) => call(key, asked, { key: own })) : call(key, asked)),
    onSettled: async () => {
      await Promise.all(changes.map((topic) => client.invalidateQueries({ queryKey: [topic] })));
    },
  });
}
