import type { Instance } from '@paravcl/shared/domain/instance';
import { Button, EmptyState, EmptyStateActions, EmptyStateBody, EmptyStateFooter, Spinner } from '@patternfly/react-core';
import ExclamationTriangleIcon from '@patternfly/react-icons/dist/esm/icons/exclamation-triangle-icon';
import PauseCircleIcon from '@patternfly/react-icons/dist/esm/icons/pause-circle-icon';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useDo } from '../../api/use-api';
import { useSay } from '../../shell/toasts';
import { ProblemAlert } from '../../states/problem-alert';
import { Countdown } from './countdown';
import type { Stage } from './stage';

const icons = { busy: Spinner, calm: PauseCircleIcon, trouble: ExclamationTriangleIcon };

interface StageMessageProps {
  readonly stage: Stage;
  readonly instance: Instance;
  readonly tryNow: () => void;
  /** Beside a text that is still to be read. */
  readonly isSmall: boolean;
}

/** In the place of a console that is not to be seen: what the machine does, why, and what one can do. */
export function StageMessage({ stage, instance, tryNow, isSmall }: StageMessageProps): ReactNode {
  const { t } = useTranslation('console');
  const resume = useDo('post /instances/:instanceId/resume', ['instances']);
  const start = useDo('post /instances/:instanceId/start', ['instances']);
  const run = stage.action === 'start' ? start : resume;
  const say = useSay();
  const { name } = instance;
  const act = (): void => {
    if (stage.action === 'tryNow') tryNow();
    else run.mutate({ params: { instanceId: instance.id }, body: {} }, { onSuccess: ({ warnings }) => warnings.forEach((warning) => say(warning, 'warning')) });
  };
  return (
    <div className="pv-console-message" role="status">
      <EmptyState headingLevel="h2" titleText={t(`stage.${stage.words}.title`, { name })} icon={icons[stage.tone]} {...(stage.tone === 'trouble' ? { status: 'warning' as const } : {})} variant={isSmall ? 'xs' : 'sm'}>
        <EmptyStateBody>
          {stage.said ?? t(`stage.${stage.words}.body`, { name })}
          {stage.againAtMs !== null && <Countdown untilMs={stage.againAtMs} />}
          <ProblemAlert problem={run.error} />
        </EmptyStateBody>
        {stage.action !== null && (
          <EmptyStateFooter>
            <EmptyStateActions>
              <Button variant="primary" isLoading={run.isPending} isDisabled={run.isPending} onClick={act}>{t(`action.${stage.action}`)}</Button>
            </EmptyStateActions>
          </EmptyStateFooter>
        )}
        <EmptyStateFooter>
          <Link to={`/machines/${instance.id}`}>{t('toMachine', { name })}</Link>
        </EmptyStateFooter>
      </EmptyState>
    </div>
  );
}
