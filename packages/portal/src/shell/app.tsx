import { lazy, Suspense, type ReactNode } from 'react';
import { createBrowserRouter, type RouteObject } from 'react-router';
import { entryPages } from '../pages/login/pages';
import { Loading } from '../states/loading';
import type { Page } from './page';
import { pages } from './pages';

const LoggedIn = lazy(async () => ({ default: (await import('./logged-in')).LoggedIn }));
const Shell = lazy(async () => ({ default: (await import('./shell')).Shell }));
const NoPage = lazy(async () => ({ default: (await import('./no-page')).NoPage }));
const PageFailure = lazy(async () => ({ default: (await import('./page-failure')).PageFailure }));

const soon = (page: ReactNode): ReactNode => <Suspense fallback={<Loading />}>{page}</Suspense>;
/** A page that fails takes nothing else with it: masthead and navigation stay. */
const errorElement = soon(<PageFailure />);
const routeOf = ({ path, component: Component }: Page): RouteObject => ({ path, element: soon(<Component />), errorElement });

/** The pages before a login, each small; everything else comes with the first page behind it. */
export const router = createBrowserRouter([
  ...entryPages.map(routeOf),
  {
    element: soon(<LoggedIn />),
    errorElement,
    children: [
      ...pages.filter(({ bare }) => bare === true).map(routeOf),
      { element: soon(<Shell />), errorElement, children: [...pages.filter(({ bare }) => bare !== true).map(routeOf), { path: '*', element: soon(<NoPage />) }] },
    ],
  },
]);
