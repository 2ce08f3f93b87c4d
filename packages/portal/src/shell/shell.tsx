import { Page, PageSidebar, PageSidebarBody, SkipToContent } from '@patternfly/react-core';
import { Suspense, useRef, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Outlet } from 'react-router';
import { Loading } from '../states/loading';
import { Connection } from './connection';
import { Masthead } from './masthead';
import { Navigation } from './navigation';
import { NoticesDrawer } from './notices-drawer';
import { useUnreadNotices } from './use-notices';

/** Below this width PatternFly lays the navigation over the page, so it goes away when one has chosen. */
const overlaidBelow = 1200;

/** What is around every page: name, navigation by role, notices, who one is, and whether what is shown is live. */
export function Shell(): ReactNode {
  const { t } = useTranslation('shell');
  const unread = useUnreadNotices();
  const bell = useRef<HTMLElement | null>(null);
  const [isDrawerOpen, setDrawerOpen] = useState(false);
  const [isNavOpen, setNavOpen] = useState(() => window.innerWidth >= overlaidBelow);
  const toggleDrawer = (): void => {
    bell.current = document.activeElement as HTMLElement | null;
    setDrawerOpen((open) => !open);
  };
  const closeDrawer = (): void => {
    setDrawerOpen(false);
    bell.current?.focus();
  };
  const closeOverlaid = (): void => {
    if (window.innerWidth < overlaidBelow) setNavOpen(false);
  };
  return (
    <>
      <Page
        masthead={<Masthead unread={unread.length} isDrawerOpen={isDrawerOpen} onBell={toggleDrawer} isNavOpen={isNavOpen} onNav={() => setNavOpen((open) => !open)} />}
        sidebar={
          <PageSidebar isSidebarOpen={isNavOpen}>
            <PageSidebarBody>
              <Navigation onSelect={closeOverlaid} />
            </PageSidebarBody>
          </PageSidebar>
        }
        mainContainerId="main"
        skipToContent={<SkipToContent href="#main">{t('skip')}</SkipToContent>}
        notificationDrawer={isDrawerOpen ? <NoticesDrawer unread={unread} onClose={closeDrawer} /> : undefined}
        isNotificationDrawerExpanded={isDrawerOpen}
      >
        <Suspense fallback={<Loading />}>
          <Outlet />
        </Suspense>
      </Page>
      <Connection />
    </>
  );
}
