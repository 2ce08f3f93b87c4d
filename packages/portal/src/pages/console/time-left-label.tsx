import type { Instance } from '@paravcl/shared/domain/instance';
import { Label } from '@patternfly/react-core';
import ClockIcon from '@patternfly/react-icons/dist/esm/icons/clock-icon';
import ExclamationTriangleIcon from '@patternfly/react-icons/dist/esm/icons/exclamation-triangle-icon';
import { useEffect, useRef, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useSay } from '../../shell/toasts';
import { useSiteZone } from '../../states/site-zone';
import { useTimes } from '../../states/use-times';
import { useTimeLeft } from './use-time-left';

/** How long the machine still runs; said in a corner when that becomes little. */
export function TimeLeftLabel({ instance: { name, endsAt } }: { readonly instance: Pick<Instance, 'name' | 'endsAt'> }): ReactNode {
  const { t } = useTranslation('console');
  const times = useTimes(useSiteZone());
  const say = useSay();
  const left = useTimeLeft(endsAt);
  const warnedOf = useRef<string | null>(null);
  const isShort = left?.isShort === true;
  useEffect(() => {
    if (!isShort || endsAt === null || warnedOf.current === endsAt) return;
    warnedOf.current = endsAt;
    say(t('endsSoon', { name, left: times.span(new Date(endsAt).getTime() - Date.now()), at: times.clock(endsAt) }), 'warning');
  }, [endsAt, isShort, name, say, t, times]);
  if (left === null || endsAt === null) return null;
  return (
    <Label isCompact color={isShort ? 'orange' : 'grey'} icon={isShort ? <ExclamationTriangleIcon /> : <ClockIcon />} title={t('endsAt', { at: times.moment(endsAt) })}>
      {t('left', { left: times.span(left.ms) })}
    </Label>
  );
}
