import { EmptyState, EmptyStateBody, EmptyStateFooter, PageSection } from '@patternfly/react-core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';

/** At an address that leads nowhere. */
export function NoPage(): ReactNode {
  const { t } = useTranslation('shell');
  return (
    <PageSection>
      <EmptyState headingLevel="h1" titleText={t('noPage.title')}>
        <EmptyStateBody>{t('noPage.body')}</EmptyStateBody>
        <EmptyStateFooter>
          <Link to="/">{t('noPage.home')}</Link>
        </EmptyStateFooter>
      </EmptyState>
    </PageSection>
  );
}
