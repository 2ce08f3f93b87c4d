import { Card, CardBody, CardTitle, PageSection } from '@patternfly/react-core';
import type { ImageKind } from '@paravcl/shared/domain/image';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'react-router';
import { PageHead } from '../../../shell/page-head';
import { kinds, nouns } from '../nouns';
import { GoOnForm } from './go-on-form';
import { NewUpload } from './new-upload';
import '../../teach/teach.css';
import '../../fleet/fleet.css';

/** Uploads a disk image, a kernel or a ramdisk, or goes on with one that broke off. */
export function UploadPage(): ReactNode {
  const { t } = useTranslation('images');
  const [params, setParams] = useSearchParams();
  const kind: ImageKind = kinds.find((each) => each === params.get('kind')) ?? 'disk';
  const imageId = params.get('imageId');
  return (
    <>
      <PageHead title={t(imageId === null ? 'upload.title' : 'upload.goOnTitle')} above={{ to: `/images?kind=${kind}`, words: t('title') }} />
      <PageSection>
        <Card>
          <CardTitle component="h2">{t(`upload.kind.${kind}`)}</CardTitle>
          <CardBody className="pv-fleet-stack pv-teach-form">
            {imageId !== null ? (
              <GoOnForm key={imageId} noun={nouns[kind]} imageId={imageId} />
            ) : (
              <NewUpload key={kind} kind={kind} onKind={(next) => setParams({ kind: next }, { replace: true })} />
            )}
          </CardBody>
        </Card>
      </PageSection>
    </>
  );
}
