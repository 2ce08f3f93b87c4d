import { Grid, GridItem, PageSection, Title } from '@patternfly/react-core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useTitle } from '../../shell/title';
import { ApiTokens } from './api-tokens';
import { CommandLine } from './command-line';
import { HomeVolume } from './home-volume';
import { Keys } from './keys';
import { NewPassword } from './new-password';
import { Person } from './person';
import { WhatIUse } from './what-i-use';

/** What is one's own besides machines: name, keys, password, home volume, share, tokens, command line. */
export function AccountPage(): ReactNode {
  const { t } = useTranslation('account');
  useTitle(t('title'));
  return (
    <PageSection>
      <div className="pv-lines">
        <Title headingLevel="h1">{t('title')}</Title>
        <Grid hasGutter>
          <GridItem span={12} lg={6}><Person /></GridItem>
          <GridItem span={12} lg={6}><Keys /></GridItem>
          <GridItem span={12} lg={6}><NewPassword /></GridItem>
          <GridItem span={12} lg={6}><HomeVolume /></GridItem>
          <GridItem span={12}><WhatIUse /></GridItem>
          <GridItem span={12}><ApiTokens /></GridItem>
          <GridItem span={12}><CommandLine /></GridItem>
        </Grid>
      </div>
    </PageSection>
  );
}
