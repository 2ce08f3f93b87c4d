import { Nav, NavGroup, NavItem } from '@patternfly/react-core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { NavLink, useLocation } from 'react-router';
import { useMe } from '../session/session';
import { pages } from './pages';

/** The words of the navigation stand with the words of the pages. */
const navigationWords = [...new Set(pages.flatMap(({ nav }) => (nav === undefined ? [] : [nav.words.split(':')[0] ?? ''])))];
const sections = ['mine', 'teach', 'run'] as const;

/** The pages that this person's role has in the navigation, in three groups at most. */
export function Navigation({ onSelect }: { readonly onSelect: () => void }): ReactNode {
  const { t } = useTranslation(['shell', ...navigationWords]);
  const { user } = useMe();
  const { pathname } = useLocation();
  return (
    <Nav aria-label={t('nav.label')} onSelect={onSelect}>
      {sections.map((section) => {
        const those = pages.filter(({ nav, roles }) => nav?.section === section && (roles === undefined || roles.includes(user.role)));
        if (those.length === 0) return null;
        return (
          <NavGroup key={section} title={t(`nav.section.${section}`)}>
            {those.map(({ path, nav }) => (
              <NavItem key={path} itemId={path} isActive={path === '/' ? pathname === '/' : pathname === path || pathname.startsWith(`${path}/`)}>
                <NavLink to={path} end={path === '/'}>{t(nav?.words ?? '')}</NavLink>
              </NavItem>
            ))}
          </NavGroup>
        );
      })}
    </Nav>
  );
}
