import { Button, Grid, GridItem, PageSection } from '@patternfly/react-core';
import type { Group } from '@paravcl/shared/domain/people';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate, useParams } from 'react-router';
import { useDo, useGet } from '../../../api/use-api';
import { useMe } from '../../../session/session';
import { useSay } from '../../../shell/toasts';
import { Confirm } from '../../../states/confirm';
import { Read } from '../../../states/read';
import { LinkButton } from '../../../shell/link-button';
import { PageHead } from '../../../shell/page-head';
import { mayDeployTo, mayEditGroup } from '../people';
import { EnrolmentCard } from './enrolment-card';
import { GroupClasses } from './group-classes';
import { GroupForm } from './group-form';
import { GroupMachines } from './group-machines';
import { GroupReservations } from './group-reservations';
import { MembersCard } from './members-card';
import '../teach.css';

/** One group: what runs, what comes, who is in it. */
export function GroupPage(): ReactNode {
  const { groupId = '' } = useParams();
  const group = useGet('groups', 'get /groups/:groupId', { params: { groupId } });
  return <Read of={group}>{(found) => <GroupShown group={found} />}</Read>;
}

function GroupShown({ group }: { readonly group: Group }): ReactNode {
  const { t } = useTranslation('teach');
  const { user } = useMe();
  const navigate = useNavigate();
  const say = useSay();
  const [asks, setAsks] = useState<'edit' | 'delete' | null>(null);
  const remove = useDo('delete /groups/:groupId', ['groups']);
  const close = (): void => {
    setAsks(null);
    remove.reset();
  };
  const mayEdit = mayEditGroup(user, group);
  const actions = (
    <>
      {mayDeployTo(user, group) && group.members > 0 && <LinkButton to={`/groups/${group.id}/deploy`}>{t('groups.deploy')}</LinkButton>}
      {mayEdit && <Button variant="secondary" onClick={() => setAsks('edit')}>{t('edit')}</Button>}
      {mayEdit && <Button variant="secondary" isDanger onClick={() => setAsks('delete')}>{t('delete')}</Button>}
    </>
  );
  return (
    <>
      <PageHead title={group.name} above={{ to: '/groups', words: t('groups.title') }} actions={actions}>
        {group.description !== '' && <p className="pv-teach-quiet">{group.description}</p>}
      </PageHead>
      <PageSection>
        <Grid hasGutter>
          <GridItem xl={8} className="pv-teach-stack">
            <GroupClasses group={group} />
            <GroupMachines group={group} />
            {user.role !== 'operator' && <MembersCard group={group} mayEdit={mayEdit} />}
          </GridItem>
          <GridItem xl={4} className="pv-teach-stack">
            {mayEdit && <EnrolmentCard group={group} />}
            <GroupReservations group={group} />
          </GridItem>
        </Grid>
      </PageSection>
      {asks === 'edit' && <GroupForm group={group} onClose={close} onDone={close} />}
      {asks === 'delete' && (
        <Confirm
          title={t('groups.deleteTitle', { name: group.name })}
          verb={t('groups.deleteVerb')}
          isDanger
          isPending={remove.isPending}
          problem={remove.error}
          onClose={close}
          onConfirm={() => remove.mutate({ params: { groupId: group.id } }, { onSuccess: () => { say(t('groups.deleted', { name: group.name })); void navigate('/groups'); } })}
        >
          <p>{t('groups.deleteBody', { count: group.members })}</p>
        </Confirm>
      )}
    </>
  );
}
