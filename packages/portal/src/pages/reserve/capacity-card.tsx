import { Button, Card, CardBody, CardTitle, Title } from '@patternfly/react-core';
import AngleLeftIcon from '@patternfly/react-icons/dist/esm/icons/angle-left-icon';
import AngleRightIcon from '@patternfly/react-icons/dist/esm/icons/angle-right-icon';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Read } from '../../states/read';
import { dateLocale } from '../../states/times';
import { useMedia } from '../../states/use-media';
import { useTimes } from '../../states/use-times';
import { CapacityTable } from './capacity-table';
import { daysOf, freeIn, type Need } from './days-of-hours';
import type { Span } from './span';
import { tellWindow } from './tell-window';
import { daysShown, type CapacityView } from './use-capacity';
import { WhenInputs } from './when-inputs';
import { addDays, beginOf, daysBetween } from '../../states/zone-time';

interface CapacityCardProps {
  readonly capacity: CapacityView;
  readonly span: Span | null;
  readonly need: Need | null;
  readonly onSpan: (span: Span | null) => void;
}

/** When: the table of what is free, and the same span as plain inputs. */
export function CapacityCard({ capacity, span, need, onSpan }: CapacityCardProps): ReactNode {
  const { t, i18n } = useTranslation('reserve');
  // Too narrow for a week side by side.
  const narrow = useMedia('(max-width: 40rem)');
  const { today, date, show } = capacity;
  const times = useTimes(capacity.timeZone);
  const step = narrow ? 1 : daysShown;
  const isFirst = date === null || today === null || (narrow ? date === today : daysBetween(today, date) < daysShown);
  return (
    <Card>
      <CardTitle><Title headingLevel="h2" size="lg">{t('when.title')}</Title></CardTitle>
      <CardBody>
        <Read of={capacity.of}>
          {({ timeZone, total, hours }) => {
            const days = daysOf(hours, timeZone, daysShown);
            const shown = narrow ? days.filter((day) => day.date === date) : days;
            const dates = shown.length > 0 ? shown : days.slice(0, 1);
            const dayWord = new Intl.DateTimeFormat(dateLocale(i18n.language), { timeZone, weekday: narrow ? 'long' : 'short', day: 'numeric', month: narrow ? 'long' : 'short' });
            const [first, last] = [dates[0], dates.at(-1)];
            const range = first === undefined || last === undefined ? '' : [...new Set([first, last])].map((day) => dayWord.format(beginOf(day.date, timeZone) + 1)).join(' – ');
            const least = span === null ? null : freeIn(days, span);
            return (
              <>
                <WhenInputs span={span} timeZone={timeZone} onSpan={onSpan} />
                <p role="status" className="pv-hours__picked">
                  {span !== null && t('table.picked', { window: tellWindow(times, new Date(span.start).toISOString(), new Date(span.end).toISOString()), length: times.span(span.end - span.start) })}{' '}
                  {least !== null && t('table.least', { count: least })}
                </p>
                <div className="pv-hours__nav">
                  <Button variant="plain" icon={<AngleLeftIcon />} aria-label={t(narrow ? 'table.dayBefore' : 'table.weekBefore')} isDisabled={isFirst} onClick={() => date !== null && show(addDays(date, -step))} />
                  <strong className="pv-hours__range" aria-live="polite">{range}</strong>
                  <Button variant="plain" icon={<AngleRightIcon />} aria-label={t(narrow ? 'table.dayAfter' : 'table.weekAfter')} onClick={() => date !== null && show(addDays(date, step))} />
                </div>
                <CapacityTable days={days} shown={dates} timeZone={timeZone} total={total.vcpus} span={span} need={need} onSpan={onSpan} onDate={show} />
              </>
            );
          }}
        </Read>
      </CardBody>
    </Card>
  );
}
