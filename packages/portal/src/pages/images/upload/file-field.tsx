import { FormGroup, FormHelperText, HelperText, HelperTextItem } from '@patternfly/react-core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { tellBytes } from '../bytes';

interface FileFieldProps {
  readonly file: File | null;
  readonly onFile: (file: File | null) => void;
  readonly hint: string;
  readonly fault?: string | null;
  readonly isDisabled?: boolean;
}

/** The file to send: the browser's own field, which everybody knows and the keyboard reaches. */
export function FileField({ file, onFile, hint, fault = null, isDisabled = false }: FileFieldProps): ReactNode {
  const { t } = useTranslation('images');
  return (
    <FormGroup label={t('upload.file')} fieldId="upload-file" isRequired>
      <input id="upload-file" type="file" disabled={isDisabled} aria-describedby="upload-file-said" onChange={(event) => onFile(event.target.files?.[0] ?? null)} />
      <FormHelperText>
        <HelperText id="upload-file-said">
          <HelperTextItem variant={fault === null ? 'default' : 'error'}>{fault ?? (file === null ? hint : t('upload.fileSays', { name: file.name, size: tellBytes(file.size) }))}</HelperTextItem>
        </HelperText>
      </FormHelperText>
    </FormGroup>
  );
}
