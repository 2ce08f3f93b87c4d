import { lazy, Suspense, type ReactNode } from 'react';
import { createBrowserRouter, type RouteObject } from 'react-router';
import { Loading } from '../states/loading';
import type { Page } from './page';
import { pages } from './pages';

const LoginPage = lazy(async () => ({ default: (await import('../pages/login/login-page')).LoginPage }));
const LoggedIn = lazy(async () => ({ default: (await import('./logged-in')).LoggedIn }));
const Shell = lazy(async () => ({ default: (await import('./shell')).Shell }));
const NoPage = lazy(async () => ({ default: (await import('./no-page')).NoPage }));

const soon = (page: ReactNode): ReactNode => <Suspense fallback={<Loading />}>{page}</Suspense>;
const routeOf = ({ path, component: Component }: Page): RouteObject => ({ path, element: soon(<Component />) });

/** The pages before a login, each small; everything else comes with the first page behind it. */
export const router = createBrowserRouter([
  { path: '/login', element: soon(<LoginPage />) },
  {
    element: soon(<LoggedIn />),
    children: [
      ...pages.filter(({ bare }) => bare === true).map(routeOf),
      { element: soon(<Shell />), children: [...pages.filter(({ bare }) => bare !== true).map(routeOf), { path: '*', element: soon(<NoPage />) }] },
    ],
  },
]);
