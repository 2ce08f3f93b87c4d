import { Button, EmptyState, EmptyStateActions, EmptyStateBody, EmptyStateFooter, Label, PageSection } from '@patternfly/react-core';
import UsersIcon from '@patternfly/react-icons/dist/esm/icons/users-icon';
import { Table, Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate } from 'react-router';
import { useMe } from '../../../session/session';
import { Read } from '../../../states/read';
import { LinkButton } from '../../../shell/link-button';
import { PageHead } from '../../../shell/page-head';
import { mayDeployTo } from '../people';
import { useAll } from '../../../api/use-all';
import { GroupForm } from './group-form';
import '../teach.css';

/** The groups one teaches, and what each is about to do. */
export function GroupsPage(): ReactNode {
  const { t, i18n } = useTranslation('teach');
  const { user } = useMe();
  const navigate = useNavigate();
  const groups = useAll('groups', 'get /groups', {});
  const [isMaking, setIsMaking] = useState(false);
  const make = user.role === 'operator' ? undefined : <Button onClick={() => setIsMaking(true)}>{t('groups.new')}</Button>;
  return (
    <>
      <PageHead title={t('groups.title')} actions={groups.data?.length === 0 ? undefined : make} />
      <PageSection>
        <Read of={groups}>
          {(all) =>
            all.length === 0 ? (
              <EmptyState headingLevel="h2" titleText={t('groups.none')} icon={UsersIcon}>
                <EmptyStateBody>{t('groups.noneBody')}</EmptyStateBody>
                {make !== undefined && (
                  <EmptyStateFooter>
                    <EmptyStateActions>{make}</EmptyStateActions>
                  </EmptyStateFooter>
                )}
              </EmptyState>
            ) : (
              <Table aria-label={t('groups.title')} variant="compact" gridBreakPoint="grid-md">
                <Thead>
                  <Tr>
                    <Th width={45}>{t('groups.name')}</Th>
                    <Th>{t('groups.members')}</Th>
                    <Th>{t('groups.enrolment')}</Th>
                    <Th screenReaderText={t('actions')} />
                  </Tr>
                </Thead>
                <Tbody>
                  {[...all].sort((a, b) => a.name.localeCompare(b.name, i18n.language, { numeric: true })).map((group) => (
                    <Tr key={group.id}>
                      <Td dataLabel={t('groups.name')} modifier="breakWord">
                        <Link to={`/groups/${group.id}`}>{group.name}</Link>
                        {group.description !== '' && <div className="pv-teach-quiet pv-teach-clip">{group.description}</div>}
                      </Td>
                      <Td dataLabel={t('groups.members')}>{group.members}</Td>
                      <Td dataLabel={t('groups.enrolment')}>
                        <Label isCompact color={group.hasEnrolmentCode ? 'green' : 'grey'}>{t(group.hasEnrolmentCode ? 'groups.open' : 'groups.closed')}</Label>
                      </Td>
                      <Td dataLabel={t('actions')} modifier="fitContent">
                        {mayDeployTo(user, group) && group.members > 0 && <LinkButton to={`/groups/${group.id}/deploy`} variant="secondary" size="sm">{t('groups.deploy')}</LinkButton>}
                      </Td>
                    </Tr>
                  ))}
                </Tbody>
              </Table>
            )
          }
        </Read>
      </PageSection>
      {isMaking && <GroupForm onClose={() => setIsMaking(false)} onDone={({ id }) => void navigate(`/groups/${id}`)} />}
    </>
  );
}
