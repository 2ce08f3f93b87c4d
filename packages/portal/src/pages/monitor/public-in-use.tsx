import { PageSection, Title } from '@patternfly/react-core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useGet } from '../../api/use-api';
import { PublicMappings } from '../machine/public-mappings';

/** Whose public addresses and ports lead to which machine. Nothing where the site has no pool. */
export function PublicInUse(): ReactNode {
  const { t } = useTranslation('monitor');
  const { data } = useGet('instances', 'get /public-mappings', {});
  if (data?.pool.enabled !== true) return null;
  return (
    <PageSection>
      <Title headingLevel="h2" size="lg">{t('public.title')}</Title>
      {data.items.length === 0 ? <p>{t('public.none')}</p> : <PublicMappings label={t('public.title')} items={data.items} owners={{ who: t('public.who'), machine: t('public.machine') }} />}
    </PageSection>
  );
}
