import { PageSection } from '@patternfly/react-core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useParams } from 'react-router';
import { useGet } from '../../../api/use-api';
import { Read } from '../../../states/read';
import { PageHead } from '../../../shell/page-head';
import { RosterForm } from './roster-form';
import '../teach.css';

/** Many people into a group at once, out of a list. */
export function RosterPage(): ReactNode {
  const { t } = useTranslation('teach');
  const { groupId = '' } = useParams();
  const group = useGet('groups', 'get /groups/:groupId', { params: { groupId } });
  return (
    <>
      <PageHead title={t('roster.title')} above={{ to: `/groups/${groupId}`, words: group.data?.name ?? t('groups.title') }}>
        <p className="pv-teach-quiet">{t('roster.lead')}</p>
      </PageHead>
      <PageSection>
        <Read of={group}>{(found) => <RosterForm group={found} />}</Read>
      </PageSection>
    </>
  );
}
