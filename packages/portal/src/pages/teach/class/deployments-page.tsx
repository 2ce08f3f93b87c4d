import UsersIcon from '@patternfly/react-icons/dist/esm/icons/users-icon';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useAll } from '../../../api/use-all';
import { useFeedState } from '../../../feed/live';
import { LinkButton } from '../../../shell/link-button';
import { useSiteZone } from '../../../states/site-zone';
import { useTimes } from '../../../states/use-times';
import { ListPage } from '../list-page';

const everyMs = { live: 15_000, lost: 5_000 } as const;

/** Classes that were deployed, the newest first, each with how far it is. */
export function DeploymentsPage(): ReactNode {
  const { t } = useTranslation('teach');
  const times = useTimes(useSiteZone());
  const feed = useFeedState();
  const deployments = useAll('deployments', 'get /deployments', {}, { everyMs: feed === 'live' ? everyMs.live : everyMs.lost });
  const groups = useAll('groups', 'get /groups', {});
  return (
    <ListPage
      title={t('deployments.title')}
      of={deployments}
      make={<LinkButton to="/deploy">{t('deployments.new')}</LinkButton>}
      none={{ title: t('deployments.none'), body: t('deployments.noneBody'), icon: UsersIcon }}
      columns={[
        { words: t('deployments.name'), width: 30, modifier: 'breakWord', cell: ({ id, name }) => <Link to={`/deployments/${id}`}>{name}</Link> },
        { words: t('deployments.state'), width: 35, modifier: 'breakWord', cell: ({ sentence }) => sentence },
        { words: t('deployments.group'), modifier: 'breakWord', cell: ({ groupId }) => groups.data?.find((group) => group.id === groupId)?.name ?? t('deployments.noGroup') },
        { words: t('deployments.made'), cell: ({ createdAt }) => times.moment(createdAt) },
      ]}
    />
  );
}
