import { Button, EmptyState, EmptyStateActions, EmptyStateBody, EmptyStateFooter } from '@patternfly/react-core';
import ExclamationCircleIcon from '@patternfly/react-icons/dist/esm/icons/exclamation-circle-icon';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useRouteError } from 'react-router';
import { Loading } from '../states/loading';
import { isReloading } from './upgrade';

/** In the place of a page that failed: that it did, what it said, and the way on. */
export function PageFailure(): ReactNode {
  const { t } = useTranslation('shell');
  const error = useRouteError();
  if (isReloading()) return <Loading />;
  return (
    <EmptyState headingLevel="h1" titleText={t('failure.title')} icon={ExclamationCircleIcon} status="danger" variant="lg">
      <EmptyStateBody>
        <p>{t('failure.body')}</p>
        <p className="pv-quiet">{error instanceof Error ? error.message : String(error)}</p>
      </EmptyStateBody>
      <EmptyStateFooter>
        <EmptyStateActions>
          <Button variant="primary" onClick={() => location.reload()}>{t('failure.reload')}</Button>
        </EmptyStateActions>
        <EmptyStateActions>
          <Link to="/">{t('noPage.home')}</Link>
        </EmptyStateActions>
      </EmptyStateFooter>
    </EmptyState>
  );
}
