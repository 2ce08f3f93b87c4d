import { Card, CardBody, CardTitle } from '@patternfly/react-core';
import { Table, Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { isHostSilent } from '../../states/host-silent';
import { Read } from '../../states/read';
import { StateLabel } from '../../states/state-label';
import { useTimes } from '../../states/use-times';
import { useSiteZone } from '../../states/site-zone';
import { useAll } from '../../api/use-all';

/** What a person has, in the order of the names. */
export function UserMachines({ userId }: { readonly userId: string }): ReactNode {
  const { t, i18n } = useTranslation('people');
  const times = useTimes(useSiteZone());
  const instances = useAll('instances', 'get /instances', { query: { userId } });
  return (
    <Card>
      <CardTitle component="h2">{t('machines.title')}</CardTitle>
      <CardBody>
        <Read of={instances}>
          {(all) =>
            all.length === 0 ? (
              <p>{t('machines.none')}</p>
            ) : (
              <Table aria-label={t('machines.title')} variant="compact" gridBreakPoint="grid-md">
                <Thead>
                  <Tr><Th>{t('machines.name')}</Th><Th>{t('machines.state')}</Th><Th>{t('machines.until')}</Th></Tr>
                </Thead>
                <Tbody>
                  {[...all].sort((a, b) => a.name.localeCompare(b.name, i18n.language, { numeric: true })).map(({ id, name, observed, reason, endsAt }) => (
                    <Tr key={id}>
                      <Td dataLabel={t('machines.name')} modifier="breakWord"><Link to={`/machines/${id}`}>{name}</Link></Td>
                      <Td dataLabel={t('machines.state')} modifier="fitContent"><span><StateLabel state={observed} isSilent={isHostSilent({ observed, reason })} /></span></Td>
                      <Td dataLabel={t('machines.until')}>{endsAt === null ? t('machines.endless') : times.moment(endsAt)}</Td>
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
