import { Card, CardBody, CardTitle, Gallery } from '@patternfly/react-core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useGet } from '../../api/use-api';
import { tellNumber } from '../../states/numbers';
import { Read } from '../../states/read';
import { tellMiB } from '../../states/sizes';
import { useTimes } from '../../states/use-times';
import { useSiteZone } from '../../states/site-zone';
import { HistoryPlot } from './history-plot';
import { HistoryTable } from './history-table';
import { plots, type Plot, type Value } from './plot-data';

interface HistoryCardsProps {
  /** Null: the site. */
  readonly slaveId: string | null;
  readonly hours: number;
  readonly asTable: boolean;
}

/** The last hours of a slave or the site, a card for each plot. */
export function HistoryCards({ slaveId, hours, asTable }: HistoryCardsProps): ReactNode {
  const { t } = useTranslation('monitor');
  const times = useTimes(useSiteZone());
  const past = useGet('none', 'get /monitoring/history', { query: { hours, ...(slaveId === null ? {} : { slaveId }) } }, { everyMs: 60_000 });
  const tell = ({ unit }: Plot) => (value: Value): string => (value == null ? t('plot.unknown') : unit === 'MiB' ? tellMiB(Math.round(value)) : tellNumber(value));
  const Shown = asTable ? HistoryTable : HistoryPlot;
  return (
    <Read of={past}>
      {({ sentence, history }) => (
        <>
          {sentence !== null && <p className="pv-quiet">{sentence}</p>}
          {history.at.length > 0 && (
            <Gallery hasGutter minWidths={{ default: '100%', lg: '26rem' }}>
              {plots.map((plot) => (
                <Card key={plot.name} isCompact>
                  <CardTitle component="h3">{t(`plot.${plot.name}`)}</CardTitle>
                  <CardBody><Shown plot={plot} history={history} times={times} tell={tell(plot)} /></CardBody>
                </Card>
              ))}
            </Gallery>
          )}
        </>
      )}
    </Read>
  );
}
