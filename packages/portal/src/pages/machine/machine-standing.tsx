import type { Instance } from '@paravcl/shared/domain/instance';
import type { QueueEntry } from '@paravcl/shared/domain/decision';
import { Alert } from '@patternfly/react-core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useNow } from '../../states/use-now';
import { useTimes } from '../../states/use-times';
import { useSiteZone } from '../../states/site-zone';
import { LaunchProgress } from './launch-progress';
import { progressOf } from './progress';
import { saidOf } from './said-of';
import { timesOf } from './times-of';

export interface Around {
  /** What the master says of work that is under way for it. */
  readonly operation: string | null;
  readonly queued: QueueEntry | null;
}

/** What there is to say of a machine besides its state: how far it is, why it waits, until when it runs. */
export function MachineStanding({ instance, around, isCompact = true }: { readonly instance: Instance; readonly around: Around; readonly isCompact?: boolean }): ReactNode {
  const { t } = useTranslation('machine');
  const times = useTimes(useSiteZone());
  const now = useNow();
  const { operation, queued } = around;
  const progress = progressOf(instance, operation);
  return (
    <>
      {instance.shortOfProcessor !== undefined && <Alert variant="warning" isInline isPlain={isCompact} title={instance.shortOfProcessor.sentence} component="p" />}
      {progress !== null && <LaunchProgress progress={progress} isCompact={isCompact} />}
      {operation !== null && operation !== instance.reason?.sentence && <p role="status">{operation}</p>}
      {saidOf(instance, queued).map((sentence) => <p key={sentence}>{sentence}</p>)}
      {timesOf(instance, now).map(({ key, at }) => <p key={key}>{t(`times.${key}`, { at: times.moment(at), left: times.span(Date.parse(at) - now) })}</p>)}
    </>
  );
}
