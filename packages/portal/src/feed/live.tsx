import { useQueryClient } from '@tanstack/react-query';
import { createContext, useContext, useEffect, useState, type ReactNode } from 'react';
import { Feed, type FeedState } from './feed';

/** While the master tells of nothing by itself, what is shown is asked again this often. */
const withoutFeedMs = 15_000;

const LiveContext = createContext<FeedState>('connecting');

/** How the feed stands: `lost` is said to the person, because what they see may be old. */
export const useFeedState = (): FeedState => useContext(LiveContext);

/** Has whatever is shown read again when the master says that it changed. */
export function Live({ onLoggedOut, children }: { readonly onLoggedOut: () => void; readonly children: ReactNode }): ReactNode {
  const client = useQueryClient();
  const [state, setState] = useState<FeedState>('connecting');
  useEffect(() => {
    const feed = new Feed({
      state: setState,
      loggedOut: onLoggedOut,
      ready: () => void client.invalidateQueries(),
      changed: ({ changes }) => {
        for (const { topic } of changes) void client.invalidateQueries({ queryKey: [topic] });
      },
    });
    return () => feed.close();
  }, [client, onLoggedOut]);
  useEffect(() => {
    if (state === 'live') return undefined;
    const timer = window.setInterval(() => void client.invalidateQueries(), withoutFeedMs);
    return () => window.clearInterval(timer);
  }, [client, state]);
  return <LiveContext value={state}>{children}</LiveContext>;
}
