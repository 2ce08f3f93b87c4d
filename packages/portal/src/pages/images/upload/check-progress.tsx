import { Alert, Progress, ProgressMeasureLocation } from '@patternfly/react-core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useGet } from '../../../api/use-api';
import { Read } from '../../../states/read';
import { LinkButton } from '../../../shell/link-button';
import type { Noun } from '../nouns';

/** The master's check of what arrived: how far it is, what it found. */
export function CheckProgress({ noun, imageId }: { readonly noun: Noun; readonly imageId: string }): ReactNode {
  const { t } = useTranslation('images');
  const image = useGet('images', `get /${noun}/:imageId`, { params: { imageId } }, { everyMs: 2_000 });
  return (
    <Read of={image}>
      {({ state, reason, checkPercent, familyName: name, version, production }) => (
        <>
          {state === 'checking' && <Progress value={checkPercent ?? 0} title={t('upload.checking')} measureLocation={ProgressMeasureLocation.top} />}
          {state === 'uploading' && <Alert variant="danger" isInline isLiveRegion title={reason ?? t('upload.refused')} component="p">{t('upload.refusedHelp')}</Alert>}
          {(state === 'ready' || state === 'deprecated') && <Alert variant="success" isInline isLiveRegion title={t('upload.ready', { name, version })} component="p">{t(production ? 'upload.inProduction' : 'upload.tryIt')}</Alert>}
          <div><LinkButton to={`/${noun}/${imageId}`} variant={state === 'checking' ? 'secondary' : 'primary'}>{t('upload.look')}</LinkButton></div>
        </>
      )}
    </Read>
  );
}
