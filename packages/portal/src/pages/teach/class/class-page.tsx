import type { Deployment, DeploymentMember } from '@paravcl/shared/domain/deployment';
import { useMemo, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useParams } from 'react-router';
import { useGet } from '../../../api/use-api';
import { useFeedState } from '../../../feed/live';
import { Read } from '../../../states/read';
import { useNames } from '../people';
import { ClassBoard } from './class-board';
import { ClassHead } from './class-head';
import { tileOf } from './class-tile';
import '../teach.css';

/** Asked by itself as often while the feed is lost; while it is live for what no instance tells of, a place that was refused. */
const everyMs = { live: 15_000, lost: 3_000 } as const;

/** A class at work: all its machines, those that need somebody first. */
export function ClassPage(): ReactNode {
  const { deploymentId = '' } = useParams();
  const feed = useFeedState();
  // What its machines do changes it, so it is read again with them.
  const deployment = useGet('instances', 'get /deployments/:deploymentId', { params: { deploymentId } }, { everyMs: feed === 'live' ? everyMs.live : everyMs.lost });
  return <Read of={deployment}>{(found) => <ClassShown key={found.deployment.id} {...found} />}</Read>;
}

function ClassShown({ deployment, members }: { readonly deployment: Deployment; readonly members: readonly DeploymentMember[] }): ReactNode {
  // The words of thumbnails too, so that no tile waits for them and the page with it.
  const { i18n } = useTranslation(['teach', 'console']);
  const names = useNames(deployment.groupId);
  const tiles = useMemo(() => members.map((member) => tileOf(member, names)), [members, names]);
  return (
    <>
      <ClassHead deployment={deployment} tiles={tiles} />
      <ClassBoard deployment={deployment} tiles={tiles} language={i18n.language} />
    </>
  );
}
