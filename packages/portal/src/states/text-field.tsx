import { FormGroup, FormHelperText, HelperText, HelperTextItem, TextArea, TextInput } from '@patternfly/react-core';
import { useId, type ReactNode } from 'react';

interface TextFieldProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  /** What is wrong with it; null: nothing is. */
  readonly fault?: string | null;
  /** What to write. */
  readonly help?: ReactNode;
  readonly isRequired?: boolean;
  readonly type?: 'text' | 'number';
  readonly autoFocus?: boolean;
  /** So many lines; absent: one line. */
  readonly rows?: number;
  readonly isCode?: boolean;
}

/** A field of a form with its label, its help and what is wrong with it. */
export function TextField({ label, value, onChange, fault = null, help, isRequired = false, type = 'text', autoFocus = false, rows, isCode = false }: TextFieldProps): ReactNode {
  const id = useId();
  const says = fault !== null || help !== undefined;
  const shared = { id, value, isRequired, validated: fault === null ? ('default' as const) : ('error' as const), ...(says ? { 'aria-describedby': `${id}-help` } : {}) };
  return (
    <FormGroup label={label} fieldId={id} isRequired={isRequired}>
      {rows === undefined ? (
        <TextInput {...shared} type={type} autoComplete="off" autoFocus={autoFocus} onChange={(_event, next) => onChange(next)} {...(type === 'number' ? { inputMode: 'numeric' as const, min: 1 } : {})} />
      ) : (
        <TextArea {...shared} rows={rows} resizeOrientation="vertical" spellCheck={!isCode} onChange={(_event, next) => onChange(next)} {...(isCode ? { className: 'pv-code' } : {})} />
      )}
      {says && (
        <FormHelperText>
          <HelperText id={`${id}-help`} isLiveRegion={fault !== null}>
            {fault !== null && <HelperTextItem variant="error">{fault}</HelperTextItem>}
            {help !== undefined && <HelperTextItem>{help}</HelperTextItem>}
          </HelperText>
        </FormHelperText>
      )}
    </FormGroup>
  );
}
