import { useQueryClient, type Query } from '@tanstack/react-query';
import { createContext, useCallback, useContext, useEffect, useState, type ReactNode } from 'react';
import { Navigate, useLocation } from 'react-router';
import { whenLoggedOut } from '../api/call';
import type { Answered } from '@paravcl/shared/client/routes';
import { useGet } from '../api/use-api';
import { Live } from '../feed/live';
import { ErrorState } from '../states/error-state';
import { Loading } from '../states/loading';
import { noteSession, wasLoggedIn } from './ended';

/** Who is logged in, with the groups they are in. */
export type Me = Answered<'get /me'>;

const MeContext = createContext<Me | null>(null);

/** Who is logged in. Only below `Session`. */
export function useMe(): Me {
  const me = useContext(MeContext);
  if (me === null) throw new Error('Nobody is logged in here.');
  return me;
}

const isNotMe = ({ queryKey }: Pick<Query, 'queryKey'>): boolean => queryKey[1] !== 'get /me';

/** Pages of who is logged in: others are sent to log in, and come back to where they were. */
export function Session({ children }: { readonly children: ReactNode }): ReactNode {
  const client = useQueryClient();
  const location = useLocation();
  const me = useGet('none', 'get /me', {});
  // Wherever it is noticed first that the session has ended, the answer to this question sends to the login page.
  const leave = useCallback(() => void client.refetchQueries({ queryKey: ['none', 'get /me'] }), [client]);
  useEffect(() => whenLoggedOut(leave), [leave]);
  const isIn = me.data !== undefined && me.error === null;
  useEffect(() => {
    if (isIn) noteSession(true);
  }, [isIn]);
  const userId = me.data?.user.id;
  const [shownTo, setShownTo] = useState(userId);
  // Somebody else has logged in in another tab. What the one before read goes once no page shows it any more.
  useEffect(() => {
    if (userId === undefined || userId === shownTo) return;
    if (shownTo !== undefined) client.removeQueries({ predicate: isNotMe });
    setShownTo(userId);
  }, [client, shownTo, userId]);
  if (me.error?.status === 401) return <Navigate to="/login" replace state={{ from: `${location.pathname}${location.search}`, ended: wasLoggedIn() }} />;
  if (me.data === undefined) return me.error === null ? <Loading /> : <ErrorState problem={me.error} retry={() => void me.refetch()} />;
  if (shownTo !== undefined && userId !== shownTo) return <Loading />;
  return (
    <MeContext value={me.data}>
      <Live onLoggedOut={leave}>{children}</Live>
    </MeContext>
  );
}
