import { Card, CardBody, CardTitle } from '@patternfly/react-core';
import { Table, Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useGet } from '../../../api/use-api';
import { Read } from '../../../states/read';
import { useSiteZone } from '../../../states/site-zone';
import { useTimes } from '../../../states/use-times';
import { InstallState } from './install-state';

const shown = 50;

/** What was and is done to hosts by SSH: the newest of it. */
export function Installs(): ReactNode {
  const { t } = useTranslation('install');
  const times = useTimes(useSiteZone());
  const installs = useGet('slaves', 'get /host-installs', { query: { limit: shown } }, { everyMs: 5_000 });
  return (
    <Card>
      <CardTitle component="h2">{t('list.title')}</CardTitle>
      <CardBody>
        <Read of={installs}>
          {({ items, next }) =>
            items.length === 0 ? (
              <p>{t('list.none')}</p>
            ) : (
              <>
                <Table aria-label={t('list.title')} variant="compact" gridBreakPoint="grid-md">
                  <Thead>
                    <Tr><Th width={30}>{t('list.host')}</Th><Th>{t('fleet:slaves.state')}</Th><Th width={40}>{t('list.says')}</Th><Th>{t('list.begun')}</Th></Tr>
                  </Thead>
                  <Tbody>
                    {items.map(({ id, purpose, address, name, state, sentence, createdAt }) => (
                      <Tr key={id}>
                        <Td dataLabel={t('list.host')} modifier="breakWord"><Link to={`/slaves/installs/${id}`}>{t(`title.${purpose}`, { host: name ?? address })}</Link>{name !== null && <div className="pv-quiet">{address}</div>}</Td>
                        <Td dataLabel={t('fleet:slaves.state')} modifier="fitContent"><span><InstallState state={state} /></span></Td>
                        <Td dataLabel={t('list.says')} modifier="breakWord">{sentence}</Td>
                        <Td dataLabel={t('list.begun')}>{times.moment(createdAt)}</Td>
                      </Tr>
                    ))}
                  </Tbody>
                </Table>
                {next !== null && <p className="pv-quiet">{t('list.newest', { shown })}</p>}
              </>
            )
          }
        </Read>
      </CardBody>
    </Card>
  );
}
