import { Card, CardBody, CardTitle } from '@patternfly/react-core';
import type { Instance } from '@paravcl/shared/domain/instance';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useGet } from '../../api/use-api';
import { NewPublicMapping } from './new-public-mapping';
import { PublicMappings } from './public-mappings';

/** What of the network outside leads to a machine, and how one gets something. Nothing where the site has no pool. */
export function PublicAddress({ instance }: { readonly instance: Instance }): ReactNode {
  const { t } = useTranslation('machine');
  const { data } = useGet('instances', 'get /public-mappings', { query: { instanceId: instance.id } });
  if (data?.pool.enabled !== true || instance.desired === 'deleted' || instance.observed === 'deleted') return null;
  return (
    <Card isCompact component="section" aria-labelledby="public-address">
      <CardTitle component="h2" id="public-address">{t('public.title')}</CardTitle>
      <CardBody>
        <div className="pv-lines">
          <p>{t('public.past')}</p>
          {data.items.length === 0 ? <p>{t('public.none')}</p> : <PublicMappings label={t('public.list')} items={data.items} />}
          <NewPublicMapping instanceId={instance.id} pool={data.pool} hasAddress={data.items.some(({ mapping }) => mapping.kind === 'address')} />
        </div>
      </CardBody>
    </Card>
  );
}
