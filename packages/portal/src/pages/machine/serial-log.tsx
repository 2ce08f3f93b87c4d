import { Button, EmptyState, EmptyStateBody } from '@patternfly/react-core';
import type { Instance } from '@paravcl/shared/domain/instance';
import type { ReactNode } from 'react';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { call } from '../../api/call';
import type { ApiProblem } from '@paravcl/shared/client/api-problem';
import { Read } from '../../states/read';

const tailBytes = 64 * 1024;

/** The end of what the guest printed on its serial console. */
export function SerialLog({ instance }: { readonly instance: Instance }): ReactNode {
  const { t } = useTranslation('machine');
  // Plain text, of which the contract has no schema.
  const log = useQuery<string, ApiProblem>({
    queryKey: ['none', 'serial-log', instance.id],
    queryFn: async ({ signal }) => String(await call('get /instances/:instanceId/serial-log', { params: { instanceId: instance.id }, query: { tailBytes } }, { signal })),
  });
  return (
    <Read of={log}>
      {(text) => (
        <div className="pv-lines">
          <Button variant="secondary" size="sm" isLoading={log.isFetching} onClick={() => void log.refetch()}>{t('printed.again')}</Button>
          {text === '' ? (
            <EmptyState headingLevel="h2" titleText={t('printed.none')} variant="sm">
              <EmptyStateBody>{t('printed.noneBody')}</EmptyStateBody>
            </EmptyState>
          ) : (
            // It scrolls, so it can be focused.
            <pre className="pv-printed" tabIndex={0} role="region" aria-label={t('tab.printed')}>{text}</pre>
          )}
        </div>
      )}
    </Read>
  );
}
