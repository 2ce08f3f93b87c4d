import { Card, CardBody, CardTitle } from '@patternfly/react-core';
import { Table, Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useGet } from '../../../api/use-api';
import { Read } from '../../../states/read';
import { useTimes } from '../../../states/use-times';
import { useSiteZone } from '../../../states/site-zone';
import { Meter } from '../meter';
import { percentOf } from '../standing';

/** What a host has of which images, what is due first first. */
export function SlaveImages({ slaveId }: { readonly slaveId: string }): ReactNode {
  const { t } = useTranslation('fleet');
  const times = useTimes(useSiteZone());
  const images = useGet('images', 'get /slaves/:slaveId/images', { params: { slaveId } }, { everyMs: 15_000 });
  return (
    <Card>
      <CardTitle component="h2">{t('cache.title')}</CardTitle>
      <CardBody>
        <Read of={images}>
          {({ sentence, items }) => (
            <>
              <p>{sentence}</p>
              {items.length > 0 && (
                <Table aria-label={t('cache.title')} variant="compact" gridBreakPoint="grid-md">
                  <Thead>
                    <Tr><Th width={30}>{t('cache.image')}</Th><Th width={20}>{t('cache.there')}</Th><Th>{t('cache.says')}</Th></Tr>
                  </Thead>
                  <Tbody>
                    {items.map(({ manifest, images: versions, holding, wanted, sentence: says }) => {
                      const percent = holding === null ? 0 : percentOf(holding.presentChunks, holding.totalChunks);
                      return (
                        <Tr key={manifest}>
                          <Td dataLabel={t('cache.image')} modifier="breakWord">{versions.length === 0 ? t('cache.gone', { hash: manifest.slice(0, 12) }) : versions.map(({ name, version }) => t('cache.version', { name, version })).join(', ')}</Td>
                          <Td dataLabel={t('cache.there')}><Meter part={percent} whole={100} words={t('slaves.percent', { percent })} /></Td>
                          <Td dataLabel={t('cache.says')}>{says}{wanted !== null && <div className="pv-quiet">{t('cache.due', { at: times.moment(wanted.dueAt) })}</div>}</Td>
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
