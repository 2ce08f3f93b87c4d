import type { History } from '@paravcl/shared/api/monitoring';
import { Table, Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { TimeWords } from '../../states/times';
import { rowsOf, type Plot, type Value } from './plot-data';

interface HistoryTableProps {
  readonly plot: Plot;
  readonly history: History;
  readonly times: TimeWords;
  readonly tell: (value: Value) => string;
}

/** What a plot draws, as numbers, the newest first. */
export function HistoryTable({ plot, history, times, tell }: HistoryTableProps): ReactNode {
  const { t } = useTranslation('monitor');
  return (
    <div className="pv-monitor-rows" tabIndex={0} role="region" aria-label={t(`plot.${plot.name}`)}>
      <Table aria-label={t(`plot.${plot.name}`)} variant="compact" gridBreakPoint="">
        <Thead>
          <Tr><Th>{t('plot.when')}</Th>{plot.figures.map((figure) => <Th key={figure}>{t(`figure.${figure}`)}</Th>)}</Tr>
        </Thead>
        <Tbody>
          {rowsOf(history, plot.figures).map(({ at, values }) => (
            <Tr key={at}>
              <Td dataLabel={t('plot.when')}>{times.moment(new Date(at * 1000).toISOString())}</Td>
              {plot.figures.map((figure, index) => <Td key={figure} dataLabel={t(`figure.${figure}`)}>{tell(values[index])}</Td>)}
            </Tr>
          ))}
        </Tbody>
      </Table>
    </div>
  );
}
