import { PageSection, Title } from '@patternfly/react-core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useGet } from '../../api/use-api';
import { Read } from '../../states/read';
import { StateLabel } from '../../states/state-label';

/** What I have, what I could start now, what comes. */
export function HomePage(): ReactNode {
  const { t } = useTranslation('home');
  const instances = useGet('instances', 'get /instances', { query: { limit: 100 } });
  return (
    <PageSection>
      <Title headingLevel="h1">{t('title')}</Title>
      <Read of={instances}>
        {({ items }) => (
          <ul>
            {items.map((instance) => (
              <li key={instance.id}>
                {instance.name} <StateLabel state={instance.observed} />
              </li>
            ))}
          </ul>
        )}
      </Read>
    </PageSection>
  );
}
