import type { ImageAnswer } from '@paravcl/shared/api/images';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useDo } from '../../api/use-api';
import { useSay } from '../../shell/toasts';
import { Confirm } from '../../states/confirm';

/** Before launches of a family get another version. */
export function ProductionQuestion({ image, onClose }: { readonly image: ImageAnswer; readonly onClose: () => void }): ReactNode {
  const { t } = useTranslation('images');
  const say = useSay();
  const put = useDo('put /image-families/:familyId/production', ['images', 'templates']);
  const named = { name: image.familyName, version: image.version };
  return (
    <Confirm title={t('putTitle', named)} verb={t('put')} isPending={put.isPending} problem={put.error} onClose={onClose} onConfirm={() => put.mutate({ params: { familyId: image.familyId }, body: { imageId: image.id } }, { onSuccess: () => { say(t('putDone', named)); onClose(); } })}>
      <p>{t('putBody')}</p>
    </Confirm>
  );
}
