import { Button, Card, CardBody, CardTitle, Checkbox, DescriptionList, DescriptionListDescription, DescriptionListGroup, DescriptionListTerm, PageSection } from '@patternfly/react-core';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useDo, useGet } from '../../api/use-api';
import { Confirm } from '../../states/confirm';
import { Read } from '../../states/read';
import { PageHead } from '../../shell/page-head';
import { tellBytes } from './bytes';
import { StoreRun } from './store-run';
import { VerificationRun } from './verification-run';
import '../teach/teach.css';
import '../fleet/fleet.css';

/** Where the contents of images are kept: how full it is, and whether all of it is what it was. */
export function StorePage(): ReactNode {
  const { t, i18n } = useTranslation('images');
  const [asks, setAsks] = useState<'sweep' | 'verify' | null>(null);
  const [repair, setRepair] = useState(true);
  const store = useGet('images', 'get /store', {}, { everyMs: 5_000 });
  const sweep = useDo('post /store/sweeps', ['images']);
  const verify = useDo('post /store/verifications', ['images']);
  const close = (): void => {
    setAsks(null);
    sweep.reset();
    verify.reset();
  };
  const actions = (
    <>
      <Button variant="primary" isDisabled={store.data?.lastVerification?.state === 'running'} onClick={() => setAsks('verify')}>{t('store.verify')}</Button>
      <Button variant="secondary" isDisabled={store.data?.lastSweep?.state === 'running'} onClick={() => setAsks('sweep')}>{t('store.sweep')}</Button>
    </>
  );
  return (
    <>
      <PageHead title={t('store.title')} above={{ to: '/images', words: t('title') }} actions={actions} />
      <PageSection>
        <Read of={store}>
          {({ sentence, storedBytes, logicalBytes, chunks, manifests, packs, lastSweep, lastVerification }) => (
            <div className="pv-fleet-stack">
              <p className="pv-fleet-says">{sentence}</p>
              <Card>
                <CardTitle component="h2">{t('store.holds')}</CardTitle>
                <CardBody>
                  <DescriptionList isCompact orientation={{ sm: 'horizontal' }} horizontalTermWidthModifier={{ default: '12rem' }}>
                    {([[t('store.stored'), tellBytes(storedBytes)], [t('store.logical'), tellBytes(logicalBytes)], [t('store.contents'), manifests.toLocaleString(i18n.language)], [t('store.chunks'), t('store.chunksIn', { chunks: chunks.toLocaleString(i18n.language), packs: packs.toLocaleString(i18n.language) })]] as const).map(([term, said]) => (
                      <DescriptionListGroup key={term}>
                        <DescriptionListTerm>{term}</DescriptionListTerm>
                        <DescriptionListDescription>{said}</DescriptionListDescription>
                      </DescriptionListGroup>
                    ))}
                  </DescriptionList>
                </CardBody>
              </Card>
              <Card>
                <CardTitle component="h2">{t('store.verification')}</CardTitle>
                <CardBody>{lastVerification === null ? <p>{t('store.never')}</p> : <VerificationRun run={lastVerification} />}</CardBody>
              </Card>
              <Card>
                <CardTitle component="h2">{t('store.sweeping')}</CardTitle>
                <CardBody>{lastSweep === null ? <p>{t('store.never')}</p> : <StoreRun run={lastSweep} />}</CardBody>
              </Card>
            </div>
          )}
        </Read>
      </PageSection>
      {asks === 'verify' && (
        <Confirm title={t('store.verifyTitle')} verb={t('store.verify')} isPending={verify.isPending} problem={verify.error} onClose={close} onConfirm={() => verify.mutate({ body: { repair } }, { onSuccess: close })}>
          <div className="pv-lines">
            <p>{t('store.verifyBody')}</p>
            <Checkbox id="store-repair" label={t('store.repair')} description={t('store.repairHelp')} isChecked={repair} onChange={(_event, isOn) => setRepair(isOn)} />
          </div>
        </Confirm>
      )}
      {asks === 'sweep' && (
        <Confirm title={t('store.sweepTitle')} verb={t('store.sweep')} isDanger isPending={sweep.isPending} problem={sweep.error} onClose={close} onConfirm={() => sweep.mutate({}, { onSuccess: close })}>
          <p>{t('store.sweepBody')}</p>
        </Confirm>
      )}
    </>
  );
}
