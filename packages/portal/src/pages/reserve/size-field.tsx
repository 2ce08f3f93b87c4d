import { FormGroup, FormHelperText, HelperText, HelperTextItem, TextInput } from '@patternfly/react-core';
import type { ReactNode } from 'react';

interface SizeFieldProps {
  readonly id: string;
  readonly label: string;
  readonly value: string;
  /** What is taken when it stays empty. */
  readonly byDefault?: string | undefined;
  /** What is wrong with it. */
  readonly fault?: string | null;
  readonly isRequired?: boolean;
  readonly onChange: (value: string) => void;
}

/** A number that may be left to the image. */
export function SizeField({ id, label, value, byDefault, fault = null, isRequired = false, onChange }: SizeFieldProps): ReactNode {
  return (
    <FormGroup label={label} fieldId={id} isRequired={isRequired}>
      <TextInput id={id} inputMode="decimal" autoComplete="off" value={value} placeholder={byDefault ?? ''} isRequired={isRequired} validated={fault === null ? 'default' : 'error'} {...(fault === null ? {} : { 'aria-describedby': `${id}-fault` })} onChange={(_event, text) => onChange(text)} />
      {fault !== null && (
        <FormHelperText>
          <HelperText id={`${id}-fault`}>
            <HelperTextItem variant="error">{fault}</HelperTextItem>
          </HelperText>
        </FormHelperText>
      )}
    </FormGroup>
  );
}
