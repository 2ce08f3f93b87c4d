import { Checkbox, ExpandableSection, FormGroup, FormSelect, FormSelectOption } from '@patternfly/react-core';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import type { ApiProblem } from '@paravcl/shared/client/api-problem';
import { useGet } from '../../api/use-api';
import { useMe } from '../../session/session';
import { Field } from '../../states/field';
import { faultsOf, type LaunchForm, type SizeField } from './wish';

interface LaunchFieldsProps {
  readonly form: LaunchForm;
  readonly onChange: (form: LaunchForm) => void;
  readonly problem: ApiProblem | null;
}

/** Size of a machine; '' is what the template or image says. */
export function SizeFields({ form, onChange, problem }: LaunchFieldsProps): ReactNode {
  const { t } = useTranslation('launch');
  const faults = faultsOf(form);
  const faultOf = (field: SizeField, asked: string): string | null => (faults.includes(field) ? t(`fault.${field}`) : (problem?.faultOf(asked) ?? null));
  return (
    <div className="pv-columns">
      <Field id="vcpus" label={t('vcpus')} type="number" min={1} max={64} placeholder={t('default')} value={form.vcpus} onChange={(vcpus) => onChange({ ...form, vcpus })} fault={faultOf('vcpus', 'vcpus')} />
      <Field id="ram" label={t('ram')} type="number" min={0.1} step="any" placeholder={t('default')} value={form.ramGiB} onChange={(ramGiB) => onChange({ ...form, ramGiB })} fault={faultOf('ramGiB', 'ramMiB')} />
      <Field id="disk" label={t('disk')} type="number" min={0.1} step="any" placeholder={t('default')} value={form.diskGiB} onChange={(diskGiB) => onChange({ ...form, diskGiB })} fault={faultOf('diskGiB', 'diskMiB')} />
    </div>
  );
}

/** What few people change: home volume, keys, an own machine that joins the pool. */
export function FurtherFields({ form, onChange, problem }: LaunchFieldsProps): ReactNode {
  const { t } = useTranslation('launch');
  const { user } = useMe();
  const home = useGet('instances', 'get /home', {}).data;
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <Checkbox id="as-slave" label={t('asSlave')} description={t('asSlaveHint')} isChecked={form.asSlave} onChange={(_event, asSlave) => onChange({ ...form, asSlave })} />
      <ExpandableSection toggleText={t('further')} isExpanded={isOpen} onToggle={(_event, open) => setOpen(open)} isIndented>
        <div className="pv-lines">
          {home !== undefined && home.sizeMiB > 0 && (
            <FormGroup label={t('home.label')} fieldId="home">
              <FormSelect id="home" value={form.home} onChange={(_event, value) => onChange({ ...form, home: value as LaunchForm['home'] })}>
                {(['auto', 'with', 'without'] as const).map((each) => <FormSelectOption key={each} value={each} label={t(`home.${each}`)} />)}
              </FormSelect>
              <p className="pv-quiet">{problem?.faultOf('home') ?? home.sentence}</p>
            </FormGroup>
          )}
          <FormGroup label={t('keys.label')} fieldId="keys">
            <FormSelect id="keys" value={form.keys} onChange={(_event, value) => onChange({ ...form, keys: value as LaunchForm['keys'] })}>
              <FormSelectOption value="account" label={t('keys.account', { count: user.sshPublicKeys.length })} />
              <FormSelectOption value="none" label={t('keys.none')} />
            </FormSelect>
            {user.sshPublicKeys.length === 0 && <Link to="/account">{t('keys.add')}</Link>}
          </FormGroup>
        </div>
      </ExpandableSection>
    </>
  );
}
