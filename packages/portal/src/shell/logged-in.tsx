import type { ReactNode } from 'react';
import { Outlet } from 'react-router';
import { Session } from '../session/session';
import { Toasts } from './toasts';

/** Around every page of who is logged in, with the shell or without. */
export function LoggedIn(): ReactNode {
  return (
    <Session>
      <Toasts>
        <Outlet />
      </Toasts>
    </Session>
  );
}
