import { Button, Label } from '@patternfly/react-core';
import UsersIcon from '@patternfly/react-icons/dist/esm/icons/users-icon';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { useAll } from '../../../api/use-all';
import { useMe } from '../../../session/session';
import { LinkButton } from '../../../shell/link-button';
import { byName } from '../by-name';
import { ListPage } from '../list-page';
import { Named } from '../named';
import { mayDeployTo } from '../people';
import { GroupForm } from './group-form';

/** The groups one teaches, and what each is about to do. */
export function GroupsPage(): ReactNode {
  const { t, i18n } = useTranslation('teach');
  const { user } = useMe();
  const navigate = useNavigate();
  const groups = useAll('groups', 'get /groups', {});
  const [isMaking, setIsMaking] = useState(false);
  return (
    <ListPage
      title={t('groups.title')}
      of={groups}
      inOrder={byName(i18n.language)}
      make={user.role === 'operator' ? undefined : <Button onClick={() => setIsMaking(true)}>{t('groups.new')}</Button>}
      none={{ title: t('groups.none'), body: t('groups.noneBody'), icon: UsersIcon }}
      columns={[
        { words: t('groups.name'), width: 45, modifier: 'breakWord', cell: ({ id, name, description }) => <Named name={name} description={description} to={`/groups/${id}`} /> },
        { words: t('groups.members'), cell: ({ members }) => members },
        { words: t('groups.enrolment'), cell: ({ hasEnrolmentCode }) => <Label isCompact color={hasEnrolmentCode ? 'green' : 'grey'}>{t(hasEnrolmentCode ? 'groups.open' : 'groups.closed')}</Label> },
      ]}
      actions={(group) => mayDeployTo(user, group) && group.members > 0 && <LinkButton to={`/groups/${group.id}/deploy`} variant="secondary" size="sm">{t('groups.deploy')}</LinkButton>}
    >
      {isMaking && <GroupForm onClose={() => setIsMaking(false)} onDone={({ id }) => void navigate(`/groups/${id}`)} />}
    </ListPage>
  );
}
