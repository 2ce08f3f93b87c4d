import { Alert, Button, Card, CardBody, CardTitle, Grid, GridItem, PageSection } from '@patternfly/react-core';
import type { HostInstall } from '@paravcl/shared/domain/host-install';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useParams } from 'react-router';
import { useDo } from '../../../api/use-api';
import { LinkButton } from '../../../shell/link-button';
import { PageHead } from '../../../shell/page-head';
import { useSay } from '../../../shell/toasts';
import { Read } from '../../../states/read';
import { useSiteZone } from '../../../states/site-zone';
import { useTimes } from '../../../states/use-times';
import { Findings } from './findings';
import { InstallForm } from './install-form';
import { InstallState } from './install-state';
import { InstallSteps } from './install-steps';
import { RemovalForm } from './removal-form';
import { useInstall } from './use-install';
import '../../teach/teach.css';
import '../fleet.css';
import './install.css';

/** One install or removal, step by step, as it goes on; at its end what came of it. */
export function InstallPage(): ReactNode {
  const { hostInstallId = '' } = useParams();
  const install = useInstall(hostInstallId);
  // Begun again, it is another one: nothing of the form before it stays.
  return <Read of={install}>{(found) => <InstallShown key={found.id} install={found} />}</Read>;
}

function InstallShown({ install }: { readonly install: HostInstall }): ReactNode {
  const { t } = useTranslation('install');
  const say = useSay();
  const times = useTimes(useSiteZone());
  const [isAgain, setIsAgain] = useState(false);
  const cancel = useDo('post /host-installs/:hostInstallId/cancel', ['slaves']);
  const { id, purpose, address, port, user, name, state, sentence, slaveId, steps, findings, keepPackages, createdAt, endedAt } = install;
  const host = name ?? address;
  const failed = steps.find((step) => step.state === 'failed');
  const hasEnded = state !== 'running';
  const isLost = hasEnded && state !== 'succeeded';
  const actions = (
    <>
      {!hasEnded && <Button variant="secondary" isLoading={cancel.isPending} isDisabled={cancel.isPending} onClick={() => cancel.mutate({ params: { hostInstallId: id } }, { onError: ({ message }) => say(message, 'danger') })}>{t('cancel')}</Button>}
      {isLost && !isAgain && <Button onClick={() => setIsAgain(true)}>{t('again.verb')}</Button>}
      {slaveId !== null && (state === 'succeeded' || purpose === 'remove') && <LinkButton to={`/slaves/${slaveId}`} variant={state === 'succeeded' && purpose === 'install' ? 'primary' : 'secondary'}>{t('toHost')}</LinkButton>}
    </>
  );
  return (
    <>
      <PageHead title={t(`title.${purpose}`, { host })} above={purpose === 'install' ? { to: '/slaves/join', words: t('fleet:join.title') } : { to: '/slaves', words: t('fleet:slaves.title') }} actions={actions}>
        <p className="pv-fleet-says" aria-live="polite"><InstallState state={state} /> {sentence}</p>
        <p className="pv-quiet">{t('at', { user, address, port, at: times.moment(createdAt) })}{endedAt !== null && ` ${t('ended', { at: times.moment(endedAt) })}`}</p>
      </PageHead>
      <PageSection className="pv-fleet-stack">
        {isLost && (
          <Alert variant={state === 'failed' ? 'danger' : 'warning'} isInline component="p" title={failed === undefined ? t(`lost.${state}`) : t('lost.at', { step: t(`step.${failed.step}`) })}>
            {t(state === 'failed' ? 'lost.mend' : 'lost.goOn')}
          </Alert>
        )}
        {isAgain && (
          <Card>
            <CardTitle component="h2">{t('again.title')}</CardTitle>
            <CardBody className="pv-fleet-stack">
              <p>{t('again.lead')}</p>
              {purpose === 'install' || slaveId === null ? (
                <InstallForm first={install} onCancel={() => setIsAgain(false)} />
              ) : (
                <RemovalForm slaveId={slaveId} name={host} first={{ address, port, user, keepPackages }} onCancel={() => setIsAgain(false)} />
              )}
            </CardBody>
          </Card>
        )}
        <Grid hasGutter>
          <GridItem lg={7}>
            <Card>
              <CardTitle component="h2">{t('steps')}</CardTitle>
              <CardBody><InstallSteps steps={steps} /></CardBody>
            </Card>
          </GridItem>
          {findings.length > 0 && (
            <GridItem lg={5}>
              <Card>
                <CardTitle component="h2">{t('finding.title')}</CardTitle>
                <CardBody><Findings findings={findings} /></CardBody>
              </Card>
            </GridItem>
          )}
        </Grid>
      </PageSection>
    </>
  );
}
