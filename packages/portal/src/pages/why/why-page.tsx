import { PageSection, Title } from '@patternfly/react-core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useParams } from 'react-router';
import { useTitle } from '../../shell/title';
import { SubjectLink } from './subject-link';
import { WhyPanel, type WhyOf } from './why-panel';

/** A page of its own for why something was decided, to which mails and notices link. */
export function WhyPage(): ReactNode {
  const { t } = useTranslation('why');
  const { decisionId, instanceId, reservationId } = useParams();
  const of: WhyOf = instanceId !== undefined ? { instanceId } : reservationId !== undefined ? { reservationId } : { decisionId: decisionId ?? '' };
  useTitle(t('title'));
  return (
    <PageSection isWidthLimited>
      <Title headingLevel="h1" className="pv-why__title">{t('title')}</Title>
      <WhyPanel of={of} level="h2" />
      {instanceId !== undefined && <SubjectLink subject={{ type: 'instance', id: instanceId }} isMade />}
      {reservationId !== undefined && <SubjectLink subject={{ type: 'reservation', id: reservationId }} isMade />}
    </PageSection>
  );
}
