import { Alert, FormGroup, FormHelperText, FormSelect, FormSelectOption, HelperText, HelperTextItem } from '@patternfly/react-core';
import { useMemo, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useGet } from '../../api/use-api';
import { tellScore } from '../../states/numbers';
import { useSettled } from '../../states/use-settled';
import { useTimes } from '../../states/use-times';
import { useSiteZone } from '../../states/site-zone';
import type { Choice } from './choices';
import { optionsQuery, type LaunchForm } from './wish';

interface LaunchOptionsProps {
  readonly choice: Choice;
  readonly form: LaunchForm;
  readonly onMinutes: (minutes: string) => void;
  readonly fault: string | null | undefined;
}

/** For how long: the hours that coming reservations leave, with what each risks; asked again as the form changes. */
export function LaunchOptions({ choice, form, onMinutes, fault }: LaunchOptionsProps): ReactNode {
  const { t } = useTranslation('launch');
  const times = useTimes(useSiteZone());
  const settled = useSettled(useMemo(() => JSON.stringify(optionsQuery(choice, form)), [choice, form]));
  const options = useGet('pool', 'get /launch-options', { query: JSON.parse(settled) as ReturnType<typeof optionsQuery> });
  const offered = options.data?.options ?? [];
  const told = options.data?.priority;
  return (
    <>
      <FormGroup label={t('time')} fieldId="minutes">
        <FormSelect id="minutes" value={form.minutes} aria-describedby="minutes-said" validated={fault == null ? 'default' : 'error'} onChange={(_event, value) => onMinutes(value)}>
          <FormSelectOption value="" label={choice.minutes === null ? t('timeDefault') : t('timeTemplate', { span: times.span(choice.minutes * 60_000) })} />
          {offered.map(({ minutes, end }) => <FormSelectOption key={minutes} value={String(minutes)} label={t('timeUntil', { span: times.span(minutes * 60_000), at: times.moment(end) })} />)}
        </FormSelect>
        <FormHelperText>
          <HelperText id="minutes-said">
            <HelperTextItem variant={fault == null ? 'default' : 'error'}>{fault ?? [t('timeHint'), told === undefined ? '' : t('priority', { pi: tellScore(told.pi) })].join(' ')}</HelperTextItem>
          </HelperText>
        </FormHelperText>
      </FormGroup>
      <div aria-live="polite" className="pv-lines pv-launch-says">
        {options.error !== null && <Alert variant="danger" isInline title={options.error.message} component="p" />}
        {options.data !== undefined && options.error === null && (
          <Alert variant={options.data.sentence !== null ? 'warning' : options.data.fitsNow ? 'success' : 'info'} isInline title={options.data.sentence ?? t(options.data.fitsNow ? 'fitsNow' : 'waits')} component="p">
            {options.data.risk}
          </Alert>
        )}
      </div>
    </>
  );
}
