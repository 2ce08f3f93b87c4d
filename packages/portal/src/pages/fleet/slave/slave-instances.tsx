import { Card, CardBody, CardTitle } from '@patternfly/react-core';
import { Table, Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { isHostSilent } from '../../../states/host-silent';
import { Read } from '../../../states/read';
import { tellMiB } from '../../../states/sizes';
import { StateLabel } from '../../../states/state-label';
import { useTimes } from '../../../states/use-times';
import { useSiteZone } from '../../../states/site-zone';
import { useAll } from '../../../api/use-all';

/** What lives on a slave, in the order of the names. */
export function SlaveInstances({ slaveId }: { readonly slaveId: string }): ReactNode {
  const { t, i18n } = useTranslation('fleet');
  const times = useTimes(useSiteZone());
  const instances = useAll('instances', 'get /instances', { query: { slaveId } });
  return (
    <Card>
      <CardTitle component="h2">{t('instances.title')}</CardTitle>
      <CardBody>
        <Read of={instances}>
          {(all) =>
            all.length === 0 ? (
              <p>{t('instances.none')}</p>
            ) : (
              <Table aria-label={t('instances.title')} variant="compact" gridBreakPoint="grid-md">
                <Thead>
                  <Tr><Th>{t('instances.name')}</Th><Th>{t('slaves.state')}</Th><Th>{t('instances.size')}</Th><Th>{t('instances.ends')}</Th></Tr>
                </Thead>
                <Tbody>
                  {[...all].sort((a, b) => a.name.localeCompare(b.name, i18n.language, { numeric: true })).map(({ id, name, observed, reason, vcpus, ramMiB, endsAt }) => (
                    <Tr key={id}>
                      <Td dataLabel={t('instances.name')} modifier="breakWord"><Link to={`/machines/${id}`}>{name}</Link></Td>
                      <Td dataLabel={t('slaves.state')} modifier="fitContent"><span><StateLabel state={observed} isSilent={isHostSilent({ observed, reason })} /></span></Td>
                      <Td dataLabel={t('instances.size')}>{t('instances.sized', { count: vcpus, ram: tellMiB(ramMiB) })}</Td>
                      <Td dataLabel={t('instances.ends')}>{endsAt === null ? t('instances.endless') : times.moment(endsAt)}</Td>
                    </Tr>
                  ))}
                </Tbody>
              </Table>
            )
          }
        </Read>
      </CardBody>
    </Card>
  );
}
