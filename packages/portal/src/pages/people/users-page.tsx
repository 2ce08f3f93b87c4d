import { Button, FormSelect, FormSelectOption, PageSection, SearchInput, Toolbar, ToolbarContent, ToolbarItem } from '@patternfly/react-core';
import type { Role } from '@paravcl/shared/domain/people';
import { Table, Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useGet } from '../../api/use-api';
import { Read } from '../../states/read';
import { useSettled } from '../../states/use-settled';
import { useTimes } from '../../states/use-times';
import { useSiteZone } from '../../states/site-zone';
import { PageHead } from '../../shell/page-head';
import { PersonLabels } from './person-labels';
import { roles } from './roles';
import { UserForm } from './user-form';
import '../teach/teach.css';
import '../fleet/fleet.css';

const perPage = 50;

/** Everybody who has an account, newest first. */
export function UsersPage(): ReactNode {
  const { t } = useTranslation('people');
  const times = useTimes(useSiteZone());
  const [text, setText] = useState('');
  const [role, setRole] = useState<Role | ''>('');
  const [cursors, setCursors] = useState<readonly string[]>([]);
  const [isMaking, setIsMaking] = useState(false);
  const name = useSettled(text.trim());
  const users = useGet('none', 'get /users', { query: { limit: perPage, name: name === '' ? undefined : name, role: role === '' ? undefined : role, cursor: cursors.at(-1) } }, { everyMs: 60_000 });
  return (
    <>
      <PageHead title={t('title')} actions={<Button onClick={() => setIsMaking(true)}>{t('new')}</Button>} />
      <PageSection>
        <Toolbar inset={{ default: 'insetNone' }}>
          <ToolbarContent>
            <ToolbarItem>
              <SearchInput aria-label={t('search')} placeholder={t('search')} value={text} onChange={(_event, next) => { setText(next); setCursors([]); }} onClear={() => { setText(''); setCursors([]); }} />
            </ToolbarItem>
            <ToolbarItem>
              <FormSelect aria-label={t('roleTitle')} value={role} onChange={(_event, next) => { setRole(next as Role | ''); setCursors([]); }}>
                <FormSelectOption value="" label={t('anyRole')} />
                {roles.map((each) => <FormSelectOption key={each} value={each} label={t(`role.${each}`)} />)}
              </FormSelect>
            </ToolbarItem>
          </ToolbarContent>
        </Toolbar>
        <Read of={users}>
          {({ items, next }) => (
            <div className="pv-fleet-stack">
              {items.length === 0 ? (
                <p role="status">{t('none')}</p>
              ) : (
                <Table aria-label={t('title')} variant="compact" gridBreakPoint="grid-md">
                  <Thead>
                    <Tr><Th width={35}>{t('name')}</Th><Th>{t('roleTitle')}</Th><Th>{t('mail')}</Th><Th>{t('made')}</Th></Tr>
                  </Thead>
                  <Tbody>
                    {items.map((user) => (
                      <Tr key={user.id}>
                        <Td dataLabel={t('name')} modifier="breakWord"><Link to={`/users/${user.id}`}>{user.displayName}</Link> <span className="pv-quiet">{user.name}</span></Td>
                        <Td dataLabel={t('roleTitle')}><PersonLabels user={user} /></Td>
                        <Td dataLabel={t('mail')} modifier="breakWord">{user.mail ?? <span className="pv-quiet">{t('noMail')}</span>}</Td>
                        <Td dataLabel={t('made')}>{times.moment(user.createdAt)}</Td>
                      </Tr>
                    ))}
                  </Tbody>
                </Table>
              )}
              {(cursors.length > 0 || next !== null) && (
                <nav aria-label={t('pages')}>
                  <Button variant="secondary" isDisabled={cursors.length === 0} onClick={() => setCursors(cursors.slice(0, -1))}>{t('newer')}</Button>{' '}
                  <Button variant="secondary" isDisabled={next === null} onClick={() => next !== null && setCursors([...cursors, next])}>{t('older')}</Button>
                </nav>
              )}
            </div>
          )}
        </Read>
      </PageSection>
      {isMaking && <UserForm onClose={() => setIsMaking(false)} />}
    </>
  );
}
