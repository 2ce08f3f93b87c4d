import { Card, CardBody, CardTitle } from '@patternfly/react-core';
import { Table, Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useGet } from '../../api/use-api';
import { Read } from '../../states/read';
import { useTimes } from '../../states/use-times';
import { Meter } from '../fleet/meter';
import { percentOf } from '../fleet/standing';
import { useSiteZone } from '../../states/site-zone';

/** Which hosts have how much of a version, or are to have it. */
export function ImageSlaves({ imageId }: { readonly imageId: string }): ReactNode {
  const { t } = useTranslation('images');
  const times = useTimes(useSiteZone());
  const spread = useGet('images', 'get /images/:imageId/slaves', { params: { imageId } }, { everyMs: 15_000 });
  return (
    <Card>
      <CardTitle component="h2">{t('spread.title')}</CardTitle>
      <CardBody>
        <Read of={spread}>
          {({ sentence, items }) => (
            <>
              <p>{sentence}</p>
              {items.length > 0 && (
                <Table aria-label={t('spread.title')} variant="compact" gridBreakPoint="grid-md">
                  <Thead>
                    <Tr><Th width={25}>{t('spread.host')}</Th><Th width={20}>{t('spread.there')}</Th><Th>{t('spread.says')}</Th></Tr>
                  </Thead>
                  <Tbody>
                    {items.map(({ slaveId, name, holding, wanted, sentence: says }) => {
                      const percent = holding === null ? 0 : percentOf(holding.presentChunks, holding.totalChunks);
                      return (
                        <Tr key={slaveId}>
                          <Td dataLabel={t('spread.host')} modifier="breakWord"><Link to={`/slaves/${slaveId}`}>{name}</Link></Td>
                          <Td dataLabel={t('spread.there')}><Meter part={percent} whole={100} words={t('percent', { percent })} /></Td>
                          <Td dataLabel={t('spread.says')}>{says}{wanted !== null && <div className="pv-quiet">{t('spread.due', { at: times.moment(wanted.dueAt) })}</div>}</Td>
                        </Tr>
                      );
                    })}
                  </Tbody>
                </Table>
              )}
            </>
          )}
        </Read>
      </CardBody>
    </Card>
  );
}
