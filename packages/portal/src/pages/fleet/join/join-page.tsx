import { Grid, GridItem, PageSection } from '@patternfly/react-core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useMe } from '../../../session/session';
import { PageHead } from '../../../shell/page-head';
import { InstallCard } from '../install/install-card';
import { Installs } from '../install/installs';
import { JoinCard } from './join-card';
import { JoinTokens } from './join-tokens';
import '../../teach/teach.css';
import '../fleet.css';

/** The two ways of a machine into the pool: this server installs it, or somebody pastes a command there. Below, what came of either. */
export function JoinPage(): ReactNode {
  const { t } = useTranslation('fleet');
  const { role } = useMe().user;
  const runsLab = role === 'operator' || role === 'admin';
  return (
    <>
      <PageHead title={t('join.title')} above={{ to: '/slaves', words: t('slaves.title') }}>
        <p>{t('join.lead')}</p>
      </PageHead>
      <PageSection className="pv-fleet-stack">
        <Grid hasGutter>
          {runsLab && <GridItem xl={6}><InstallCard /></GridItem>}
          <GridItem xl={6}><JoinCard mayChoose /></GridItem>
        </Grid>
        {runsLab && <Installs />}
        <JoinTokens />
      </PageSection>
    </>
  );
}
