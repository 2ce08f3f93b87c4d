import { Alert, Progress, ProgressMeasureLocation } from '@patternfly/react-core';
import type { StoreVerification } from '@paravcl/shared/api/store';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { percentOf } from '../fleet/standing';
import { tellBytes } from './bytes';
import { StoreRun } from './store-run';

/** How far a verification is, and what it found damaged. */
export function VerificationRun({ run }: { readonly run: StoreVerification }): ReactNode {
  const { t } = useTranslation('images');
  const isDamaged = run.damaged.length > 0 || run.damagedManifests.length > 0;
  return (
    <div className="pv-fleet-stack">
      <StoreRun run={run} />
      {run.state === 'running' && <Progress value={percentOf(run.doneBytes, run.totalBytes)} title={t('store.verification')} measureLocation={ProgressMeasureLocation.top} label={t('upload.of', { part: tellBytes(run.doneBytes), whole: tellBytes(run.totalBytes), percent: percentOf(run.doneBytes, run.totalBytes) })} />}
      {isDamaged && <Alert variant="danger" isInline title={t('store.damaged', { count: Math.max(run.damaged.length, run.damagedManifests.length) })} component="p">{t('store.damagedHelp', { found: run.damagedChunks, repaired: run.repairedChunks })}</Alert>}
    </div>
  );
}
