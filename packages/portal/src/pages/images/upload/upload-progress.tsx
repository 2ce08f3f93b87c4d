import { Alert, Button, Progress, ProgressMeasureLocation } from '@patternfly/react-core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { ProblemAlert } from '../../../states/problem-alert';
import { LinkButton } from '../../../shell/link-button';
import { tellBytes } from '../bytes';
import type { Noun } from '../nouns';
import { CheckProgress } from './check-progress';
import type { Upload } from './use-upload';

interface UploadProgressProps {
  readonly noun: Noun;
  readonly file: File | null;
  readonly upload: Upload;
  readonly imageId: string | null;
  readonly onPause: () => void;
  readonly onGoOn: () => void;
}

/** How far an upload is, from the reading of the file to the master's check. */
export function UploadProgress({ noun, file, upload, imageId, onPause, onGoOn }: UploadProgressProps): ReactNode {
  const { t } = useTranslation('images');
  if (upload.step === 'sent') return imageId === null ? null : <CheckProgress noun={noun} imageId={imageId} />;
  if (upload.step === 'refused') {
    return (
      <>
        <ProblemAlert problem={upload.problem} />
        <div>
          <Button onClick={onGoOn}>{t('upload.again')}</Button>{' '}
          {imageId !== null && <LinkButton to={`/${noun}/${imageId}`} variant="link">{t('upload.look')}</LinkButton>}
        </div>
      </>
    );
  }
  if (upload.step === 'none' || file === null) return null;
  const percent = file.size === 0 ? 0 : Math.floor((100 * upload.bytes) / file.size);
  return (
    <>
      <Progress value={percent} title={t(`upload.step.${upload.step}`, { name: file.name })} measureLocation={ProgressMeasureLocation.top} label={t('upload.of', { part: tellBytes(upload.bytes), whole: tellBytes(file.size), percent })} />
      {upload.step === 'waiting' && <Alert variant="warning" isInline isLiveRegion title={upload.sentence} component="p">{t('upload.byItself')}</Alert>}
      {upload.step === 'hashing' && <p className="pv-quiet">{t('upload.hashingWhy')}</p>}
      {upload.step === 'sending' && <p className="pv-quiet">{t('upload.keepOpen')}</p>}
      {upload.step === 'paused' && <p>{t(imageId === null ? 'upload.stopped' : 'upload.pausedWhy')}</p>}
      <div>
        {upload.step === 'paused' ? imageId !== null && <Button onClick={onGoOn}>{t('upload.goOn')}</Button> : <Button variant="secondary" onClick={onPause}>{t(upload.step === 'hashing' ? 'upload.stop' : 'upload.pause')}</Button>}
        {upload.step === 'paused' && imageId === null && <Button component="a" href="/images/upload" variant="secondary">{t('upload.anew')}</Button>}
      </div>
    </>
  );
}
