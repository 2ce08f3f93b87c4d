import { Button, Card, CardBody, CardTitle } from '@patternfly/react-core';
import type { Connection } from '@paravcl/shared/domain/connection';
import type { Slave } from '@paravcl/shared/domain/slave';
import { Table, Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useDo, useGet } from '../../../api/use-api';
import { Confirm } from '../../../states/confirm';
import { Read } from '../../../states/read';
import { useTimes } from '../../../states/use-times';
import { useSiteZone } from '../../../states/site-zone';

/** Who is connected to guests of a slave, longest first, and how many may be. */
export function SlaveConnections({ slave: { id: slaveId, maxConnections } }: { readonly slave: Pick<Slave, 'id' | 'maxConnections'> }): ReactNode {
  const { t } = useTranslation('fleet');
  const times = useTimes(useSiteZone());
  const [ends, setEnds] = useState<Connection | null>(null);
  const connections = useGet('connections', 'get /connections', { query: { slaveId } });
  const end = useDo('delete /connections/:connectionId', ['connections']);
  const close = (): void => {
    setEnds(null);
    end.reset();
  };
  return (
    <Card>
      <CardTitle component="h2">{t('connections.title')}</CardTitle>
      <CardBody>
        <p className="pv-quiet">{maxConnections === null ? t('connections.mostOfSite') : t(maxConnections === 0 ? 'connections.mostNone' : 'connections.most', { most: maxConnections })}</p>
        <Read of={connections}>
          {({ items }) =>
            items.length === 0 ? (
              <p>{t('connections.none')}</p>
            ) : (
              <Table aria-label={t('connections.title')} variant="compact" gridBreakPoint="grid-md">
                <Thead>
                  <Tr><Th>{t('connections.who')}</Th><Th>{t('connections.what')}</Th><Th>{t('connections.since')}</Th><Th screenReaderText={t('actions')} /></Tr>
                </Thead>
                <Tbody>
                  {items.map((each) => (
                    <Tr key={each.id}>
                      <Td dataLabel={t('connections.who')} modifier="breakWord">{each.userName}<div className="pv-quiet">{each.fromAddress}</div></Td>
                      <Td dataLabel={t('connections.what')} modifier="breakWord">{t(`connections.kind.${each.kind}`, { port: each.port })} <Link to={`/machines/${each.instanceId}`}>{each.instanceName}</Link></Td>
                      <Td dataLabel={t('connections.since')}>{times.moment(each.since)}</Td>
                      <Td modifier="fitContent"><Button variant="link" size="sm" isDanger onClick={() => setEnds(each)}>{t('connections.end')}</Button></Td>
                    </Tr>
                  ))}
                </Tbody>
              </Table>
            )
          }
        </Read>
      </CardBody>
      {ends !== null && (
        <Confirm title={t('connections.endTitle', { user: ends.userName, name: ends.instanceName })} verb={t('connections.end')} isDanger isPending={end.isPending} problem={end.error} onClose={close} onConfirm={() => end.mutate({ params: { connectionId: ends.id } }, { onSuccess: close })}>
          <p>{t('connections.endBody')}</p>
        </Confirm>
      )}
    </Card>
  );
}
