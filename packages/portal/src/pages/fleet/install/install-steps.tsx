import { Progress, ProgressMeasureLocation, ProgressStep, ProgressStepper, type ProgressStepProps } from '@patternfly/react-core';
import type { HostInstallStep } from '@paravcl/shared/domain/host-install';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

const variants: Readonly<Record<HostInstallStep['state'], NonNullable<ProgressStepProps['variant']>>> = { waiting: 'pending', running: 'info', done: 'success', skipped: 'success', failed: 'danger' };

/** Every step with what is done there, or what came of it. */
export function InstallSteps({ steps }: { readonly steps: readonly HostInstallStep[] }): ReactNode {
  const { t } = useTranslation('install');
  return (
    <ProgressStepper isVertical aria-label={t('steps')}>
      {steps.map(({ step, state, sentence, percent }) => (
        <ProgressStep
          key={step}
          variant={variants[state]}
          isCurrent={state === 'running'}
          aria-label={t('stepStands', { step: t(`step.${step}`), state: t(`stepState.${state}`) })}
          description={
            <>
              {sentence}
              {percent !== null && state === 'running' && <Progress className="pv-install-percent" value={percent} measureLocation={ProgressMeasureLocation.outside} size="sm" aria-label={t(`step.${step}`)} />}
            </>
          }
        >
          {t(`step.${step}`)}
        </ProgressStep>
      ))}
    </ProgressStepper>
  );
}
