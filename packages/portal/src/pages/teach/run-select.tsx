import { FormGroup, FormHelperText, FormSelect, FormSelectOption, FormSelectOptionGroup, HelperText, HelperTextItem } from '@patternfly/react-core';
import { useId, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { Runnables } from './deploy/what-to-run';

interface RunSelectProps {
  readonly label: string;
  readonly of: Runnables;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly fault?: string | null;
  readonly help?: string;
}

/** Chooses what to run: a template, an image as it is in production, or one version for ever. */
export function RunSelect({ label, of, value, onChange, fault = null, help }: RunSelectProps): ReactNode {
  const { t } = useTranslation('teach');
  const id = useId();
  const groups = [
    { label: t('run.templates'), all: of.templates },
    { label: t('run.families'), all: of.families },
    { label: t('run.versions'), all: of.versions },
  ];
  return (
    <FormGroup label={label} fieldId={id} isRequired>
      <FormSelect id={id} value={value} isRequired validated={fault === null ? 'default' : 'error'} onChange={(_event, next) => onChange(next)} aria-describedby={`${id}-help`}>
        <FormSelectOption value="" label={t('run.choose')} isPlaceholder isDisabled />
        {groups.filter(({ all }) => all.length > 0).map(({ label: words, all }) => (
          <FormSelectOptionGroup key={words} label={words}>
            {all.map((one) => <FormSelectOption key={one.value} value={one.value} label={one.name} />)}
          </FormSelectOptionGroup>
        ))}
      </FormSelect>
      <FormHelperText>
        <HelperText id={`${id}-help`}>
          {fault !== null && <HelperTextItem variant="error">{fault}</HelperTextItem>}
          {help !== undefined && <HelperTextItem>{help}</HelperTextItem>}
        </HelperText>
      </FormHelperText>
    </FormGroup>
  );
}
