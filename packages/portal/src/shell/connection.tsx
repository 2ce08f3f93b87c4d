import { Banner } from '@patternfly/react-core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useFeedState } from '../feed/live';

/** Says that what is shown may be old, for as long as the master cannot be reached. */
export function Connection(): ReactNode {
  const { t } = useTranslation('shell');
  const state = useFeedState();
  return (
    <div role="status">
      {state === 'lost' && <Banner status="warning" screenReaderText="">{t('feedLost')}</Banner>}
    </div>
  );
}
