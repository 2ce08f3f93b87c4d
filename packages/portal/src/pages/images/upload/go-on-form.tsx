import { ActionGroup, Button, Form } from '@patternfly/react-core';
import { useState, type FormEvent, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useGet } from '../../../api/use-api';
import { Read } from '../../../states/read';
import { tellBytes } from '../bytes';
import type { Noun } from '../nouns';
import { FileField } from './file-field';
import { UploadProgress } from './upload-progress';
import { useUpload } from './use-upload';

/** Goes on with an upload that broke off, also after this page was closed: the same file is chosen again. */
export function GoOnForm({ noun, imageId }: { readonly noun: Noun; readonly imageId: string }): ReactNode {
  const { t } = useTranslation('images');
  const image = useGet('images', `get /${noun}/:imageId`, { params: { imageId } });
  const [file, setFile] = useState<File | null>(null);
  const { upload, goOn, pause } = useUpload(noun);
  return (
    <Read of={image}>
      {({ familyName, version, sizeBytes, receivedBytes, reason, state }) => {
        if (upload.step !== 'none' || state !== 'uploading') return <UploadProgress noun={noun} file={file} upload={upload.step === 'none' ? { step: 'sent' } : upload} imageId={imageId} onPause={pause} onGoOn={() => file !== null && goOn(file, imageId)} />;
        const isOther = file !== null && file.size !== sizeBytes;
        const submit = (event: FormEvent): void => {
          event.preventDefault();
          if (file !== null && !isOther) goOn(file, imageId);
        };
        return (
          <Form onSubmit={submit}>
            <p>{t('upload.stands', { name: familyName, version, received: tellBytes(receivedBytes), size: tellBytes(sizeBytes) })}</p>
            {reason !== null && <p><strong>{reason}</strong></p>}
            <FileField file={file} onFile={setFile} hint={t('upload.same', { size: tellBytes(sizeBytes) })} fault={isOther ? t('upload.other', { size: tellBytes(file.size), announced: tellBytes(sizeBytes) }) : null} />
            <ActionGroup>
              <Button type="submit" isDisabled={file === null || isOther}>{t('upload.goOn')}</Button>
            </ActionGroup>
          </Form>
        );
      }}
    </Read>
  );
}
