import { Button } from '@patternfly/react-core';
import type { Instance } from '@paravcl/shared/domain/instance';
import { Table, Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useGet } from '../../api/use-api';
import { Read } from '../../states/read';
import { StateLabel } from '../../states/state-label';
import { useTimes } from '../../states/use-times';
import { useSiteZone } from '../../states/site-zone';

const most = 200;

/** Everything that happened to a machine, newest first. */
export function History({ instance }: { readonly instance: Instance }): ReactNode {
  const { t } = useTranslation('machine');
  const times = useTimes(useSiteZone());
  const [limit, setLimit] = useState(50);
  const history = useGet('instances', 'get /instances/:instanceId/history', { params: { instanceId: instance.id }, query: { limit } });
  return (
    <Read of={history}>
      {({ items, next }) => (
        <>
          <Table variant="compact" gridBreakPoint="grid-md" aria-label={t('tab.history')}>
            <Thead>
              <Tr>
                <Th>{t('history.at')}</Th>
                <Th>{t('history.state')}</Th>
                <Th>{t('history.reason')}</Th>
                <Th>{t('history.by')}</Th>
              </Tr>
            </Thead>
            <Tbody>
              {items.map(({ at, to, reason, by, generation }, index) => (
                <Tr key={`${at} ${generation} ${items.length - index}`}>
                  <Td dataLabel={t('history.at')}><time dateTime={at}>{times.moment(at)}</time></Td>
                  <Td dataLabel={t('history.state')}><StateLabel state={to} /></Td>
                  <Td dataLabel={t('history.reason')}>{reason?.sentence ?? '–'}</Td>
                  <Td dataLabel={t('history.by')}>{by}</Td>
                </Tr>
              ))}
            </Tbody>
          </Table>
          {next !== null && limit < most && <Button variant="link" onClick={() => setLimit(most)}>{t('history.earlier')}</Button>}
        </>
      )}
    </Read>
  );
}
