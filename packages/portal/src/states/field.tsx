import { FormGroup, FormHelperText, HelperText, HelperTextItem, TextInput, type TextInputProps } from '@patternfly/react-core';
import type { ReactNode } from 'react';

interface FieldProps extends Pick<TextInputProps, 'type' | 'autoComplete' | 'autoFocus' | 'min' | 'max' | 'step' | 'inputMode' | 'placeholder'> {
  readonly id: string;
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly isRequired?: boolean;
  /** What to write there, before anything is wrong. */
  readonly hint?: ReactNode;
  /** What the master says is wrong with it. */
  readonly fault?: string | null | undefined;
}

/** A line of a form: its label, and below it what is wrong, or else a hint. */
export function Field({ id, label, value, onChange, isRequired = false, hint, fault, ...input }: FieldProps): ReactNode {
  const said = fault ?? hint;
  return (
    <FormGroup label={label} fieldId={id} isRequired={isRequired}>
      <TextInput {...input} id={id} name={id} value={value} isRequired={isRequired} validated={fault == null ? 'default' : 'error'} aria-describedby={said == null ? undefined : `${id}-said`} onChange={(_event, text) => onChange(text)} />
      {said != null && (
        <FormHelperText>
          <HelperText id={`${id}-said`}>
            <HelperTextItem variant={fault == null ? 'default' : 'error'}>{said}</HelperTextItem>
          </HelperText>
        </FormHelperText>
      )}
    </FormGroup>
  );
}
