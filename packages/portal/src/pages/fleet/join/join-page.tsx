import { PageSection } from '@patternfly/react-core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { PageHead } from '../../../shell/page-head';
import { JoinCard } from './join-card';
import { JoinTokens } from './join-tokens';
import '../../teach/teach.css';
import '../fleet.css';

/** How a machine comes into the pool: a token, the command to paste there, and the tokens that are out. */
export function JoinPage(): ReactNode {
  const { t } = useTranslation('fleet');
  return (
    <>
      <PageHead title={t('join.title')} above={{ to: '/slaves', words: t('slaves.title') }}>
        <p>{t('join.lead')}</p>
      </PageHead>
      <PageSection className="pv-fleet-stack">
        <JoinCard mayChoose />
        <JoinTokens />
      </PageSection>
    </>
  );
}
