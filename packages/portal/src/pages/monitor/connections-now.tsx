import type { Connection } from '@paravcl/shared/domain/connection';
import { Button } from '@patternfly/react-core';
import { Table, Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useDo, useGet } from '../../api/use-api';
import { Confirm } from '../../states/confirm';
import { Read } from '../../states/read';
import { useTimes } from '../../states/use-times';
import { useSiteZone } from '../../states/site-zone';

/** Who is connected to which machine now, from where, longest first. */
export function ConnectionsNow(): ReactNode {
  const { t } = useTranslation('monitor');
  const times = useTimes(useSiteZone());
  const [ends, setEnds] = useState<Connection | null>(null);
  const connections = useGet('connections', 'get /connections', {}, { everyMs: 10_000 });
  const end = useDo('delete /connections/:connectionId', ['connections']);
  const close = (): void => {
    setEnds(null);
    end.reset();
  };
  return (
    <>
      <Read of={connections}>
        {({ items }) =>
          items.length === 0 ? (
            <p>{t('connections.none')}</p>
          ) : (
            <Table aria-label={t('connections.title')} variant="compact" gridBreakPoint="grid-lg">
              <Thead>
                <Tr><Th>{t('connections.who')}</Th><Th>{t('connections.machine')}</Th><Th>{t('connections.kind')}</Th><Th>{t('connections.from')}</Th><Th>{t('connections.since')}</Th><Th screenReaderText={t('slaves.actions')} /></Tr>
              </Thead>
              <Tbody>
                {items.map((each) => (
                  <Tr key={each.id}>
                    <Td dataLabel={t('connections.who')} modifier="breakWord">{each.userName}</Td>
                    <Td dataLabel={t('connections.machine')} modifier="breakWord"><Link to={`/machines/${each.instanceId}`}>{each.instanceName}</Link> <span className="pv-quiet">{t('connections.on', { slave: each.slaveName })}</span></Td>
                    <Td dataLabel={t('connections.kind')}>{t(`connections.by.${each.kind}`, { port: each.port })}</Td>
                    <Td dataLabel={t('connections.from')} modifier="breakWord">{each.fromAddress}</Td>
                    <Td dataLabel={t('connections.since')}>{times.moment(each.since)}</Td>
                    <Td dataLabel={t('slaves.actions')} modifier="fitContent"><Button variant="link" isInline isDanger size="sm" aria-label={t('connections.endOf', { user: each.userName, name: each.instanceName })} onClick={() => setEnds(each)}>{t('connections.end')}</Button></Td>
                  </Tr>
                ))}
              </Tbody>
            </Table>
          )
        }
      </Read>
      {ends !== null && (
        <Confirm title={t('connections.endTitle', { user: ends.userName, name: ends.instanceName })} verb={t('connections.end')} isDanger isPending={end.isPending} problem={end.error} onClose={close} onConfirm={() => end.mutate({ params: { connectionId: ends.id } }, { onSuccess: close })}>
          <p>{t('connections.endBody')}</p>
        </Confirm>
      )}
    </>
  );
}
