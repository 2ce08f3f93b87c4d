import { Alert, AlertActionLink, Button, FormSelect, FormSelectOption } from '@patternfly/react-core';
import type { Claimable } from '@paravcl/shared/domain/reservation';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useAll } from '../../api/use-all';
import { useDo, useGet } from '../../api/use-api';
import { ProblemAlert } from '../../states/problem-alert';

/** Reservations that are open now: what one may take of them, first of all on the page. */
export function Claims(): ReactNode {
  const claimable = useGet('reservations', 'get /claimable', {}).data?.items ?? [];
  return claimable.map((each) => <Claim key={each.reservationId} claimable={each} />);
}

function Claim({ claimable }: { readonly claimable: Claimable }): ReactNode {
  const { t } = useTranslation('home');
  const claim = useDo('post /reservations/:reservationId/claim', ['reservations', 'instances', 'operations']);
  const [imageId, setImageId] = useState('');
  // It names no image, so its claims do.
  const wantsImage = (claim.error?.faultOf('imageId') ?? null) !== null;
  const images = useAll('images', 'get /images', { query: { state: 'ready' } }, { enabled: wantsImage }).data ?? [];
  const ask = (body: { readonly instanceId?: string; readonly imageId?: string }): void => claim.mutate({ params: { reservationId: claimable.reservationId }, body });
  const { free, resumable, sentence } = claimable;
  return (
    <Alert
      variant="success"
      isInline
      title={sentence}
      component="h2"
      actionLinks={resumable.map(({ instanceId, name }) => (
        <AlertActionLink key={instanceId} isDisabled={claim.isPending} onClick={() => ask({ instanceId })}>{t('claim.resume', { name })}</AlertActionLink>
      ))}
    >
      {wantsImage && (
        <FormSelect aria-label={t('claim.image')} value={imageId} onChange={(_event, value) => setImageId(value)}>
          <FormSelectOption value="" label={t('claim.image')} isDisabled />
          {images.filter(({ production }) => production).map(({ id, familyName }) => <FormSelectOption key={id} value={id} label={familyName} />)}
        </FormSelect>
      )}
      {free > 0 && (
        <Button variant="primary" isLoading={claim.isPending} isDisabled={claim.isPending || (wantsImage && imageId === '')} onClick={() => ask(imageId === '' ? {} : { imageId })}>{t('claim.start')}</Button>
      )}
      <ProblemAlert problem={claim.error} />
    </Alert>
  );
}
