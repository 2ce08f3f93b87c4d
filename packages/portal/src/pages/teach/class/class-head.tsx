import { Alert, Button } from '@patternfly/react-core';
import type { Operation } from '@paravcl/shared/api/operations';
import type { Deployment } from '@paravcl/shared/domain/deployment';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useLocation } from 'react-router';
import { useGet } from '../../../api/use-api';
import { useFeedState } from '../../../feed/live';
import { PageHead } from '../../../shell/page-head';
import { ClassBar } from './class-progress';
import { countPhases, type Tile } from './class-tile';
import { RenameForm } from './rename-form';

const everyMsWithoutFeed = 3_000;

/** What a class is called and how far it is, before its machines. */
export function ClassHead({ deployment, tiles }: { readonly deployment: Deployment; readonly tiles: readonly Tile[] }): ReactNode {
  const { t } = useTranslation('teach');
  const { state } = useLocation() as { readonly state: { readonly warnings?: readonly string[] } | null };
  const [isRenaming, setIsRenaming] = useState(false);
  const operation = usePendingWork(deployment.id);
  return (
    <PageHead title={deployment.name} above={{ to: '/deployments', words: t('deployments.title') }} actions={<Button variant="secondary" onClick={() => setIsRenaming(true)}>{t('edit')}</Button>}>
      {deployment.description !== '' && <p className="pv-teach-quiet">{deployment.description}</p>}
      <p className="pv-teach-sentence" role="status">{operation?.sentence ?? deployment.sentence}</p>
      <ClassBar counts={countPhases(tiles)} />
      {(state?.warnings ?? []).map((warning) => <Alert key={warning} variant="warning" isInline title={warning} component="p" />)}
      {isRenaming && <RenameForm deployment={deployment} onClose={() => setIsRenaming(false)} />}
    </PageHead>
  );
}

/** The newest long work for the whole that is not over: its sentence says what the others wait for, too. */
function usePendingWork(deploymentId: string): Operation | null {
  const feed = useFeedState();
  const operations = useGet('operations', 'get /operations', { query: { state: 'pending', limit: 50 } }, feed === 'live' ? {} : { everyMs: everyMsWithoutFeed });
  return operations.data?.items.find(({ subject }) => subject.id === deploymentId) ?? null;
}
