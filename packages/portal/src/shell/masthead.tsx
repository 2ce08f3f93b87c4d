import { Masthead as Frame, MastheadBrand, MastheadContent, MastheadLogo, MastheadMain, MastheadToggle, NotificationBadge, PageToggleButton, Toolbar, ToolbarContent, ToolbarGroup, ToolbarItem } from '@patternfly/react-core';
import type { ComponentProps, ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { Brand } from './brand';
import { mostUnread } from './use-notices';
import { UserMenu } from './user-menu';

interface MastheadProps {
  readonly unread: number;
  readonly isDrawerOpen: boolean;
  readonly onBell: () => void;
  readonly isNavOpen: boolean;
  readonly onNav: () => void;
}

const HomeLink = (props: Omit<ComponentProps<typeof Link>, 'to'>): ReactNode => <Link {...props} to="/" />;

/** Where one is, what happened meanwhile, and who one is. */
export function Masthead({ unread, isDrawerOpen, onBell, isNavOpen, onNav }: MastheadProps): ReactNode {
  const { t } = useTranslation('shell');
  return (
    <Frame display={{ default: 'inline' }}>
      <MastheadMain>
        <MastheadToggle>
          <PageToggleButton isHamburgerButton isSidebarOpen={isNavOpen} onSidebarToggle={onNav} aria-label={t('nav.toggle')} />
        </MastheadToggle>
        <MastheadBrand>
          <MastheadLogo component={HomeLink}>
            <Brand />
          </MastheadLogo>
        </MastheadBrand>
      </MastheadMain>
      <MastheadContent>
        <Toolbar isStatic>
          <ToolbarContent>
            <ToolbarGroup align={{ default: 'alignEnd' }} gap={{ default: 'gapSm' }}>
              <ToolbarItem>
                <NotificationBadge variant={unread > 0 ? 'unread' : 'read'} count={unread} aria-label={unread >= mostUnread ? t('notices.bellMany', { count: unread }) : t('notices.bell', { count: unread })} isExpanded={isDrawerOpen} aria-expanded={isDrawerOpen} onClick={onBell} />
              </ToolbarItem>
              <ToolbarItem>
                <UserMenu />
              </ToolbarItem>
            </ToolbarGroup>
          </ToolbarContent>
        </Toolbar>
      </MastheadContent>
    </Frame>
  );
}
