import { FormHelperText, HelperText, HelperTextItem } from '@patternfly/react-core';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Field } from '../../states/field';
import { useTimes } from '../../states/use-times';
import type { Span } from './span';
import { minuteMs, momentOf, wallAt } from '../../states/zone-time';

interface Fields {
  readonly date: string;
  readonly time: string;
  readonly hours: string;
}

interface WhenInputsProps {
  readonly span: Span | null;
  readonly timeZone: string;
  /** Null: what is typed is no time. */
  readonly onSpan: (span: Span | null) => void;
  /** Of the ids of its fields, where a page has it twice. */
  readonly prefix?: string;
}

function fieldsOf(span: Span | null, timeZone: string): Fields {
  if (span === null) return { date: '', time: '', hours: '' };
  return { ...wallAt(span.start, timeZone), hours: String(Number(((span.end - span.start) / minuteMs / 60).toFixed(2))) };
}

function spanOf({ date, time, hours }: Fields, timeZone: string): Span | null {
  const start = momentOf({ date, time }, timeZone);
  const minutes = Math.round(Number(hours.replace(',', '.')) * 60);
  return start === null || !(minutes > 0) || minutes > 366 * 1440 ? null : { start, end: start + minutes * minuteMs };
}

const isSame = (a: Span | null, b: Span | null): boolean => a?.start === b?.start && a?.end === b?.end;

/** The same span as in the table, as date, time and length, which stay in step with it. */
export function WhenInputs({ span, timeZone, onSpan, prefix = 'when' }: WhenInputsProps): ReactNode {
  const { t } = useTranslation('reserve');
  const times = useTimes(timeZone);
  const [typed, setTyped] = useState<{ readonly fields: Fields; readonly span: Span | null } | null>(null);
  const fields = typed !== null && isSame(typed.span, span) ? typed.fields : fieldsOf(span, timeZone);
  const type = (change: Partial<Fields>): void => {
    const next = { ...fields, ...change };
    const nextSpan = spanOf(next, timeZone);
    setTyped({ fields: next, span: nextSpan });
    onSpan(nextSpan);
  };
  const leftOut = fields.date !== '' && fields.time !== '' && momentOf(fields, timeZone) === null;
  return (
    <>
      <div className="pv-reserve__pair pv-reserve__when">
        <Field id={`${prefix}-date`} type="date" label={t('when.date')} value={fields.date} onChange={(date) => type({ date })} />
        <Field id={`${prefix}-time`} type="time" label={t('when.time')} value={fields.time} onChange={(time) => type({ time })} />
        <Field id={`${prefix}-hours`} type="number" min={0.25} step="any" label={t('when.hours')} value={fields.hours} onChange={(hours) => type({ hours })} />
      </div>
      <FormHelperText>
        <HelperText>
          <HelperTextItem variant={span === null ? 'warning' : 'default'}>
            {span !== null ? t('when.until', { end: times.moment(new Date(span.end).toISOString()), timeZone }) : leftOut ? t('when.leftOut', { time: fields.time }) : t('when.missing')}
          </HelperTextItem>
        </HelperText>
      </FormHelperText>
    </>
  );
}
