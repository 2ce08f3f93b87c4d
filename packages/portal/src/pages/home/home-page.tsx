import { Flex, Grid, GridItem, PageSection, Stack, Title } from '@patternfly/react-core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useAll } from '../../api/use-all';
import { useMe } from '../../session/session';
import { useTitle } from '../../shell/title';
import { Read } from '../../states/read';
import { Claims } from './claims';
import { Coming } from './coming';
import { Machines } from './machines';
import { Startable } from './startable';

/** What I have, with the next thing to do; below it what I could launch; at the side what comes. */
export function HomePage(): ReactNode {
  const { t } = useTranslation('home');
  const { user } = useMe();
  const instances = useAll('instances', 'get /instances', { query: { userId: user.id } });
  useTitle(t('title'));
  return (
    <PageSection>
      <Grid hasGutter>
        <GridItem span={12} xl={9}>
          <Stack hasGutter>
            <Flex justifyContent={{ default: 'justifyContentSpaceBetween' }}>
              <Title headingLevel="h1">{t('title')}</Title>
              <Link to="/launch" className="pf-v6-c-button pf-m-secondary">{t('launch')}</Link>
            </Flex>
            <Claims />
            <Read of={instances}>{(all) => <Machines instances={all} />}</Read>
            <Startable />
          </Stack>
        </GridItem>
        <GridItem span={12} xl={3}>
          <Stack hasGutter>
            <Coming />
          </Stack>
        </GridItem>
      </Grid>
    </PageSection>
  );
}
