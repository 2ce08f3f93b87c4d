import { Label, type LabelProps } from '@patternfly/react-core';
import ArchiveIcon from '@patternfly/react-icons/dist/esm/icons/archive-icon';
import CheckCircleIcon from '@patternfly/react-icons/dist/esm/icons/check-circle-icon';
import ExclamationCircleIcon from '@patternfly/react-icons/dist/esm/icons/exclamation-circle-icon';
import InProgressIcon from '@patternfly/react-icons/dist/esm/icons/in-progress-icon';
import TrashIcon from '@patternfly/react-icons/dist/esm/icons/trash-icon';
import UploadIcon from '@patternfly/react-icons/dist/esm/icons/upload-icon';
import type { ImageAnswer } from '@paravcl/shared/api/images';
import type { ImageState } from '@paravcl/shared/domain/image';
import type { ComponentType, ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

const looks: Readonly<Record<ImageState | 'refused', readonly [NonNullable<LabelProps['color']>, ComponentType]>> = {
  uploading: ['blue', UploadIcon],
  checking: ['blue', InProgressIcon],
  ready: ['green', CheckCircleIcon],
  deprecated: ['grey', ArchiveIcon],
  deleting: ['grey', TrashIcon],
  refused: ['red', ExclamationCircleIcon],
};

/** A version's state: a colour and a word and a shape, and how far an upload or a check is. */
export function ImageStateLabel({ image: { state, reason, receivedBytes, sizeBytes, checkPercent } }: { readonly image: ImageAnswer }): ReactNode {
  const { t } = useTranslation('images');
  const shown = state === 'uploading' && reason !== null ? 'refused' : state;
  const [color, Icon] = looks[shown];
  const percent = state === 'checking' ? checkPercent : shown === 'uploading' ? Math.floor((100 * receivedBytes) / sizeBytes) : null;
  return (
    <span className="pv-images-labels">
      <Label color={color} icon={<Icon />} isCompact>{t(`state.${shown}`)}</Label>
      {percent !== null && <span className="pv-quiet">{t('percent', { percent })}</span>}
    </span>
  );
}
