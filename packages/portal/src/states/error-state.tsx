import { Button, EmptyState, EmptyStateActions, EmptyStateBody, EmptyStateFooter } from '@patternfly/react-core';
import ExclamationCircleIcon from '@patternfly/react-icons/dist/esm/icons/exclamation-circle-icon';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { ApiProblem } from '@paravcl/shared/client/api-problem';

/** In the place of what could not be read: the master's sentence, and a way to try again. */
export function ErrorState({ problem, retry }: { readonly problem: ApiProblem; readonly retry?: () => void }): ReactNode {
  const { t } = useTranslation('shell');
  const title = problem.status === 0 ? t('unreachable') : problem.status === 404 ? t('notFound') : problem.status === 403 ? t('notAllowed') : t('cannotShow');
  return (
    <EmptyState headingLevel="h2" titleText={title} icon={ExclamationCircleIcon} status="danger" variant="lg">
      <EmptyStateBody>{problem.message}</EmptyStateBody>
      {retry !== undefined && (
        <EmptyStateFooter>
          <EmptyStateActions>
            <Button variant="primary" onClick={retry}>{t('tryAgain')}</Button>
          </EmptyStateActions>
        </EmptyStateFooter>
      )}
    </EmptyState>
  );
}
