import { ProgressStep, ProgressStepper } from '@patternfly/react-core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { launchSteps, standingOf, type Progress } from './progress';

/** How far a launch is: placed → image ready → booting → reachable. */
export function LaunchProgress({ progress, isCompact }: { readonly progress: Progress; readonly isCompact: boolean }): ReactNode {
  const { t } = useTranslation('machine');
  return (
    <ProgressStepper isCompact={isCompact} aria-label={t('progress.label')}>
      {launchSteps.map((step) => {
        const title = step === 'image' && progress.step === 'image' && progress.percent !== null ? t('progress.imagePercent', { percent: progress.percent }) : t(`progress.${step}`);
        return (
          <ProgressStep key={step} variant={standingOf(step, progress.step)} isCurrent={step === progress.step} aria-label={`${title}: ${t(`progress.${standingOf(step, progress.step)}`)}`}>
            {title}
          </ProgressStep>
        );
      })}
    </ProgressStepper>
  );
}
