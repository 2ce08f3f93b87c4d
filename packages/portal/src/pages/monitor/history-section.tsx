import type { MonitoredSlave } from '@paravcl/shared/api/monitoring';
import { FormSelect, FormSelectOption, PageSection, Title, ToggleGroup, ToggleGroupItem, Toolbar, ToolbarContent, ToolbarItem } from '@patternfly/react-core';
import { useState, type ReactNode, type RefObject } from 'react';
import { useTranslation } from 'react-i18next';
import { HistoryCards } from './history-cards';

interface HistorySectionProps {
  readonly slaves: readonly MonitoredSlave[];
  /** Whose hours are shown; null: the site's. */
  readonly slaveId: string | null;
  readonly onChoose: (slaveId: string | null) => void;
  /** Focused when a slave is chosen from elsewhere on the page. */
  readonly heading: RefObject<HTMLSpanElement | null>;
}

const spans = [1, 6, 24] as const;

/** How it was: for the site or one slave, as plots or as tables. */
export function HistorySection({ slaves, slaveId, onChoose, heading }: HistorySectionProps): ReactNode {
  const { t } = useTranslation('monitor');
  const [hours, setHours] = useState<number>(6);
  const [asTable, setAsTable] = useState(false);
  // One that has left the pool meanwhile has no hours to show.
  const shown = slaves.some(({ id }) => id === slaveId) ? slaveId : null;
  return (
    <PageSection>
      <Title headingLevel="h2" size="lg"><span ref={heading} tabIndex={-1}>{t('history.title')}</span></Title>
      <Toolbar inset={{ default: 'insetNone' }}>
        <ToolbarContent>
          <ToolbarItem>
            <FormSelect aria-label={t('history.whose')} value={shown ?? ''} onChange={(_event, next) => onChoose(next === '' ? null : next)}>
              <FormSelectOption value="" label={t('history.site')} />
              {slaves.map(({ id, name }) => <FormSelectOption key={id} value={id} label={name} />)}
            </FormSelect>
          </ToolbarItem>
          <ToolbarItem>
            <FormSelect aria-label={t('history.span')} value={hours} onChange={(_event, next) => setHours(Number(next))}>
              {spans.map((each) => <FormSelectOption key={each} value={each} label={t('history.hours', { count: each })} />)}
            </FormSelect>
          </ToolbarItem>
          <ToolbarItem>
            <ToggleGroup aria-label={t('history.as')}>
              <ToggleGroupItem text={t('history.plots')} buttonId="monitor-plots" isSelected={!asTable} onChange={() => setAsTable(false)} />
              <ToggleGroupItem text={t('history.tables')} buttonId="monitor-tables" isSelected={asTable} onChange={() => setAsTable(true)} />
            </ToggleGroup>
          </ToolbarItem>
        </ToolbarContent>
      </Toolbar>
      <HistoryCards key={shown ?? ''} slaveId={shown} hours={hours} asTable={asTable} />
    </PageSection>
  );
}
