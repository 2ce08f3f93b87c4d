import { Divider, Dropdown, DropdownGroup, DropdownItem, DropdownList, MenuToggle } from '@patternfly/react-core';
import UserIcon from '@patternfly/react-icons/dist/esm/icons/user-icon';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { call } from '../api/call';
import { chooseLanguage, languages, type Language } from '../language/language';
import { noteSession } from '../session/ended';
import { useMe } from '../session/session';
import { chooseTheme, chosenTheme, themes } from './theme';

/** Who one is, and what is one's own to choose: account, language, dark or light, to leave. */
export function UserMenu(): ReactNode {
  const { t, i18n } = useTranslation('shell');
  const { user } = useMe();
  const navigate = useNavigate();
  const [isOpen, setOpen] = useState(false);
  const [theme, setTheme] = useState(chosenTheme);
  const logout = async (): Promise<void> => {
    await call('delete /sessions/current', {}).catch(() => undefined);
    noteSession(false);
    location.assign('/login');
  };
  return (
    <Dropdown
      isOpen={isOpen}
      onOpenChange={setOpen}
      onSelect={() => setOpen(false)}
      popperProps={{ position: 'right' }}
      toggle={(ref) => (
        <MenuToggle ref={ref} variant="plainText" isExpanded={isOpen} icon={<UserIcon />} aria-label={t('menu.label', { name: user.displayName })} onClick={() => setOpen(!isOpen)}>
          <span className="pv-wide-only">{user.displayName}</span>
        </MenuToggle>
      )}
    >
      <DropdownList>
        <DropdownItem key="account" description={user.name} onClick={() => void navigate('/account')}>{t('menu.account')}</DropdownItem>
      </DropdownList>
      <Divider />
      <DropdownGroup label={t('menu.language')} labelHeadingLevel="h2">
        <DropdownList>
          {(Object.keys(languages) as Language[]).map((each) => (
            <DropdownItem key={each} lang={each} isSelected={i18n.language === each} onClick={() => void chooseLanguage(i18n, each)}>{languages[each]}</DropdownItem>
          ))}
        </DropdownList>
      </DropdownGroup>
      <Divider />
      <DropdownGroup label={t('menu.theme')} labelHeadingLevel="h2">
        <DropdownList>
          {themes.map((each) => (
            <DropdownItem
              key={each}
              isSelected={theme === each}
              onClick={() => {
                chooseTheme(each);
                setTheme(each);
              }}
            >
              {t(`theme.${each}`)}
            </DropdownItem>
          ))}
        </DropdownList>
      </DropdownGroup>
      <Divider />
      <DropdownList>
        <DropdownItem key="logout" onClick={() => void logout()}>{t('logout')}</DropdownItem>
      </DropdownList>
    </Dropdown>
  );
}
