import { Button, Masthead, MastheadBrand, MastheadContent, MastheadMain, MastheadToggle, Nav, NavGroup, NavItem, Page, PageSidebar, PageSidebarBody, PageToggleButton, SkipToContent, Toolbar, ToolbarContent, ToolbarGroup, ToolbarItem } from '@patternfly/react-core';
import { Suspense, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { NavLink, Outlet } from 'react-router';
import { call } from '../api/call';
import { useMe } from '../session/session';
import { Loading } from '../states/loading';
import { Connection } from './connection';
import { pages } from './pages';

/** The words of the navigation stand with the words of the pages. */
const navigationWords = [...new Set(pages.flatMap(({ nav }) => (nav === undefined ? [] : [nav.words.split(':')[0] ?? ''])))];
const sections = ['mine', 'teach', 'run'] as const;

/** What is around every page: name, navigation by role, who one is, and whether what is shown is live. */
export function Shell(): ReactNode {
  const { t } = useTranslation(['shell', ...navigationWords]);
  const { user } = useMe();
  const logout = async (): Promise<void> => {
    await call('delete /sessions/current', {}).catch(() => undefined);
    location.assign('/login');
  };
  const masthead = (
    <Masthead>
      <MastheadMain>
        <MastheadToggle>
          <PageToggleButton isHamburgerButton aria-label={t('nav.toggle')} />
        </MastheadToggle>
        <MastheadBrand>
          <NavLink to="/" className="pv-brand">ParaVCL</NavLink>
        </MastheadBrand>
      </MastheadMain>
      <MastheadContent>
        <Toolbar isStatic>
          <ToolbarContent>
            <ToolbarGroup align={{ default: 'alignEnd' }}>
              <ToolbarItem>{user.displayName}</ToolbarItem>
              <ToolbarItem>
                <Button variant="plain" onClick={() => void logout()}>{t('logout')}</Button>
              </ToolbarItem>
            </ToolbarGroup>
          </ToolbarContent>
        </Toolbar>
      </MastheadContent>
    </Masthead>
  );
  const sidebar = (
    <PageSidebar>
      <PageSidebarBody>
        <Nav aria-label={t('nav.label')}>
          {sections.map((section) => {
            const those = pages.filter(({ nav, roles }) => nav?.section === section && (roles === undefined || roles.includes(user.role)));
            if (those.length === 0) return null;
            return (
              <NavGroup key={section} title={t(`nav.section.${section}`)}>
                {those.map(({ path, nav }) => (
                  <NavItem key={path} itemId={path}>
                    <NavLink to={path} end={path === '/'}>{t(nav?.words ?? '')}</NavLink>
                  </NavItem>
                ))}
              </NavGroup>
            );
          })}
        </Nav>
      </PageSidebarBody>
    </PageSidebar>
  );
  return (
    <Page masthead={masthead} sidebar={sidebar} isManagedSidebar mainContainerId="main" skipToContent={<SkipToContent href="#main">{t('skip')}</SkipToContent>}>
      <Connection />
      <Suspense fallback={<Loading />}>
        <Outlet />
      </Suspense>
    </Page>
  );
}
