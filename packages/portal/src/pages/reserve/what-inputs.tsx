import { Checkbox, ExpandableSection, FormGroup, FormHelperText, FormSelect, FormSelectOption, FormSelectOptionGroup, HelperText, HelperTextItem, TextInput } from '@patternfly/react-core';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { ApiProblem } from '@paravcl/shared/client/api-problem';
import { Field } from '../../states/field';
import { tellNumber } from '../../states/numbers';
import type { FormField, ReservationForm } from './reservation-form';
import { defaultSizes, type Choices } from './use-choices';

interface WhatInputsProps {
  readonly form: ReservationForm;
  readonly choices: Choices;
  readonly faults: readonly FormField[];
  /** Of the last answer, for the field that it names. */
  readonly problem: ApiProblem | null;
  readonly onChange: (change: Partial<ReservationForm>) => void;
}

/** Fields of the request that are not asked for at first. */
const folded = ['vcpus', 'ramMiB', 'diskMiB', 'bandwidthMbps', 'weeklyUntil'] as const;
const number = { inputMode: 'decimal', autoComplete: 'off' } as const;

/** What is reserved, for whom, how often; whatever is left empty is the image's. */
export function WhatInputs({ form, choices, faults, problem, onChange }: WhatInputsProps): ReactNode {
  const { t } = useTranslation('reserve');
  const sizes = defaultSizes(form.what, choices);
  const faultOf = (field: FormField, asked: string): string | null => (faults.includes(field) ? t(`fault.${field}`) : (problem?.faultOf(asked) ?? null));
  const gib = (mib: number | null): string => (mib === null ? '' : tellNumber(mib / 1024, mib < 1024 ? 3 : 1));
  const given = (number: number | null): string => (number === null ? '' : String(number));
  const untilFault = faultOf('weeklyUntil', 'weeklyUntil');
  const [more, setMore] = useState(false);
  // What is wrong is not folded away, nor folded again under the hands of who mends it.
  if (!more && (faults.some((field) => field !== 'count') || folded.some((field) => problem?.faultOf(field) != null))) setMore(true);
  return (
    <>
      <div className="pv-reserve__pair pv-reserve__first">
        <FormGroup label={t('what.label')} fieldId="what">
          <FormSelect id="what" value={form.what} onChange={(_event, what) => onChange({ what })}>
            <FormSelectOption value="none" label={t('what.none')} />
            {choices.templates.length > 0 && (
              <FormSelectOptionGroup label={t('what.templates')}>
                {choices.templates.map(({ id, name }) => <FormSelectOption key={id} value={`template:${id}`} label={name} />)}
              </FormSelectOptionGroup>
            )}
            {choices.families.length > 0 && (
              <FormSelectOptionGroup label={t('what.images')}>
                {choices.families.map(({ id, name }) => <FormSelectOption key={id} value={`family:${id}`} label={name} />)}
              </FormSelectOptionGroup>
            )}
          </FormSelect>
        </FormGroup>
        <FormGroup label={t('what.group')} fieldId="group">
          <FormSelect id="group" value={form.groupId} onChange={(_event, groupId) => onChange({ groupId })}>
            <FormSelectOption value="" label={t('what.onlyMe')} />
            {choices.groups.map(({ id, name }) => <FormSelectOption key={id} value={id} label={t('what.members', { name })} />)}
          </FormSelect>
        </FormGroup>
        <Field {...number} id="count" label={t('what.count')} value={form.count} fault={faultOf('count', 'count')} isRequired onChange={(count) => onChange({ count })} />
      </div>
      <ExpandableSection toggleText={t('what.more')} isExpanded={more} onToggle={(_event, expanded) => setMore(expanded)} isIndented>
        <div className="pf-v6-c-form">
          <div className="pv-reserve__pair">
            <Field {...number} id="vcpus" label={t('what.vcpus')} value={form.vcpus} placeholder={given(sizes.vcpus)} fault={faultOf('vcpus', 'vcpus')} onChange={(vcpus) => onChange({ vcpus })} />
            <Field {...number} id="ram" label={t('what.ram')} value={form.ramGiB} placeholder={gib(sizes.ramMiB)} fault={faultOf('ramGiB', 'ramMiB')} onChange={(ramGiB) => onChange({ ramGiB })} />
            <Field {...number} id="disk" label={t('what.disk')} value={form.diskGiB} placeholder={gib(sizes.diskMiB)} isRequired={form.what === 'none'} fault={faultOf('diskGiB', 'diskMiB')} onChange={(diskGiB) => onChange({ diskGiB })} />
            <Field {...number} id="bandwidth" label={t('what.bandwidth')} value={form.bandwidthMbps} placeholder={given(sizes.bandwidthMbps)} fault={faultOf('bandwidthMbps', 'bandwidthMbps')} onChange={(bandwidthMbps) => onChange({ bandwidthMbps })} />
          </div>
          <FormGroup role="group" fieldId="weekly-group" label={t('what.often')}>
            <Checkbox id="weekly" label={t('what.weekly')} isChecked={form.weekly} onChange={(_event, weekly) => onChange({ weekly })} />
            {form.weekly && (
              <>
                <TextInput id="weekly-until" type="date" aria-label={t('what.weeklyUntil')} value={form.weeklyUntil} validated={untilFault === null ? 'default' : 'error'} onChange={(_event, weeklyUntil) => onChange({ weeklyUntil })} />
                {untilFault !== null && <FormHelperText><HelperText><HelperTextItem variant="error">{untilFault}</HelperTextItem></HelperText></FormHelperText>}
              </>
            )}
          </FormGroup>
          <Checkbox id="as-slave" label={t('what.asSlave')} description={t('what.asSlaveMeaning')} isChecked={form.asSlave} onChange={(_event, asSlave) => onChange({ asSlave })} />
        </div>
      </ExpandableSection>
    </>
  );
}
