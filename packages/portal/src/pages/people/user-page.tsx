import { Card, CardBody, CardTitle, DescriptionList, DescriptionListDescription, DescriptionListGroup, DescriptionListTerm, Grid, GridItem, PageSection } from '@patternfly/react-core';
import type { User } from '@paravcl/shared/domain/people';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useParams } from 'react-router';
import { useGet } from '../../api/use-api';
import { Read } from '../../states/read';
import { useTimes } from '../../states/use-times';
import { useSiteZone } from '../../states/site-zone';
import { LinkButton } from '../../shell/link-button';
import { PageHead } from '../../shell/page-head';
import { useAll } from '../../api/use-all';
import { HomeCard } from './home-card';
import { PersonLabels } from './person-labels';
import { UserActions } from './user-actions';
import { UserMachines } from './user-machines';
import '../teach/teach.css';
import '../fleet/fleet.css';

/** One person: who they are, what they have, and what can be done about the account. */
export function UserPage(): ReactNode {
  const { userId = '' } = useParams();
  const user = useGet('none', 'get /users/:userId', { params: { userId } });
  return <Read of={user}>{(found) => <UserShown user={found} />}</Read>;
}

function UserShown({ user }: { readonly user: User }): ReactNode {
  const { t } = useTranslation('people');
  const times = useTimes(useSiteZone());
  const groups = useAll('groups', 'get /groups', {});
  const own = (groups.data ?? []).filter(({ id }) => user.groupIds.includes(id));
  const facts: readonly (readonly [string, ReactNode])[] = [
    [t('userName'), user.name],
    [t('mail'), user.mail ?? t('noMail')],
    [t('groups'), own.length === 0 ? t('noGroup') : own.map(({ id, name }, at) => <span key={id}>{at > 0 && ', '}<Link to={`/groups/${id}`}>{name}</Link>{id === user.primaryGroupId && ` ${t('primary')}`}</span>)],
    [t('keys'), t('keysCount', { count: user.sshPublicKeys.length })],
    [t('made'), times.moment(user.createdAt)],
  ];
  return (
    <>
      <PageHead title={user.displayName} above={{ to: '/users', words: t('title') }} actions={<UserActions user={user} />}>
        <p><PersonLabels user={user} /> {t(`may.${user.role}`)}.</p>
        <LinkButton to={`/events?actorUserId=${user.id}`} variant="link" size="sm">{t('did')}</LinkButton>
        <LinkButton to={`/events?subjectId=${user.id}`} variant="link" size="sm">{t('happened')}</LinkButton>
      </PageHead>
      <PageSection>
        <Grid hasGutter>
          <GridItem xl={7} className="pv-fleet-stack"><UserMachines userId={user.id} /></GridItem>
          <GridItem xl={5} className="pv-fleet-stack">
            <Card>
              <CardTitle component="h2">{t('about')}</CardTitle>
              <CardBody>
                <DescriptionList isCompact orientation={{ sm: 'horizontal' }} horizontalTermWidthModifier={{ default: '9rem' }}>
                  {facts.map(([term, said]) => (
                    <DescriptionListGroup key={term}>
                      <DescriptionListTerm>{term}</DescriptionListTerm>
                      <DescriptionListDescription>{said}</DescriptionListDescription>
                    </DescriptionListGroup>
                  ))}
                </DescriptionList>
              </CardBody>
            </Card>
            <HomeCard user={user} />
          </GridItem>
        </Grid>
      </PageSection>
    </>
  );
}
