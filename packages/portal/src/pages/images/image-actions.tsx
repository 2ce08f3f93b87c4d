import { Button } from '@patternfly/react-core';
import type { ImageAnswer } from '@paravcl/shared/api/images';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { useDo } from '../../api/use-api';
import { useSay } from '../../shell/toasts';
import { Confirm } from '../../states/confirm';
import { LinkButton } from '../../shell/link-button';
import { ImageForm } from './image-form';
import type { Noun } from './nouns';
import { ProductionQuestion } from './production-question';

type Question = 'edit' | 'put' | 'delete' | 'deprecate';

/** What can be done with a version as it stands. What depends on it is named by the master when it may not go. */
export function ImageActions({ image, noun }: { readonly image: ImageAnswer; readonly noun: Noun }): ReactNode {
  const { t } = useTranslation('images');
  const say = useSay();
  const navigate = useNavigate();
  const [asks, setAsks] = useState<Question | null>(null);
  const remove = useDo(`delete /${noun}/:imageId`, ['images']);
  const edit = useDo(`patch /${noun}/:imageId`, ['images', 'templates']);
  const params = { imageId: image.id };
  const named = { name: image.familyName, version: image.version };
  const close = (): void => {
    setAsks(null);
    remove.reset();
    edit.reset();
  };
  const offer = (state: 'ready' | 'deprecated'): void => edit.mutate({ params, body: { state } }, { onSuccess: () => { say(t(state === 'ready' ? 'offered' : 'deprecated', named)); close(); }, onError: ({ message }) => { if (state === 'ready') say(message, 'danger'); } });
  const isUploading = image.state === 'uploading';
  return (
    <>
      {isUploading && <LinkButton to={`/images/upload?kind=${image.kind}&imageId=${image.id}`}>{t('upload.goOn')}</LinkButton>}
      {image.state === 'ready' && !image.production && <Button onClick={() => setAsks('put')}>{t('put')}</Button>}
      {image.state === 'deprecated' && <Button variant="secondary" isLoading={edit.isPending} onClick={() => offer('ready')}>{t('offer')}</Button>}
      <Button variant="secondary" onClick={() => setAsks('edit')}>{t('edit')}</Button>
      {image.state === 'ready' && <Button variant="secondary" onClick={() => setAsks('deprecate')}>{t('deprecate')}</Button>}
      <Button variant="secondary" isDanger onClick={() => setAsks('delete')}>{t('delete')}</Button>
      {asks === 'edit' && <ImageForm image={image} noun={noun} onClose={close} />}
      {asks === 'put' && <ProductionQuestion image={image} onClose={close} />}
      {asks === 'deprecate' && (
        <Confirm title={t('deprecateTitle', named)} verb={t('deprecate')} isPending={edit.isPending} problem={edit.error} onClose={close} onConfirm={() => offer('deprecated')}>
          <p>{t('deprecateBody')}</p>
        </Confirm>
      )}
      {asks === 'delete' && (
        <Confirm title={t('deleteTitle', named)} verb={t('deleteVerb')} isDanger isPending={remove.isPending} problem={remove.error} onClose={close} onConfirm={() => remove.mutate({ params }, { onSuccess: () => { say(t('deleted', named)); void navigate(`/images?kind=${image.kind}`); } })}>
          <p>{t('deleteBody')}</p>
        </Confirm>
      )}
    </>
  );
}
