import { PageSection } from '@patternfly/react-core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useParams, useSearchParams } from 'react-router';
import { useMe } from '../../../session/session';
import { Loading } from '../../../states/loading';
import { LinkButton } from '../../../shell/link-button';
import { PageHead } from '../../../shell/page-head';
import { mayDeployTo } from '../people';
import { useAll } from '../../../api/use-all';
import { useRunnables } from '../use-runnables';
import { DeployForm } from './deploy-form';
import '../teach.css';

/** A machine for each of a class, asked for once. */
export function DeployPage(): ReactNode {
  const { t } = useTranslation('teach');
  const { user } = useMe();
  const { groupId } = useParams();
  const [search] = useSearchParams();
  const groups = useAll('groups', 'get /groups', {});
  const runnables = useRunnables();
  const template = search.get('template');
  const group = groups.data?.find(({ id }) => id === groupId);
  const own = groups.data?.filter((one) => mayDeployTo(user, one)) ?? [];
  const above = groupId === undefined ? { to: '/templates', words: t('templates.title') } : { to: `/groups/${groupId}`, words: group?.name ?? t('groups.title') };
  return (
    <>
      <PageHead title={t('deploy.title')} above={above} />
      <PageSection>
        {groups.data === undefined || runnables === null ? (
          <Loading />
        ) : own.length === 0 ? (
          <>
            <p>{t('deploy.noGroup')}</p>
            <LinkButton to="/groups">{t('groups.title')}</LinkButton>
          </>
        ) : (
          <DeployForm groups={own} runnables={runnables} chosenGroupId={group?.id ?? (own.length === 1 ? (own[0]?.id ?? '') : '')} chosenRun={template === null ? '' : `template:${template}`} />
        )}
      </PageSection>
    </>
  );
}
