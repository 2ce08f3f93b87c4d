import { Label, type LabelProps } from '@patternfly/react-core';
import CheckCircleIcon from '@patternfly/react-icons/dist/esm/icons/check-circle-icon';
import ExclamationCircleIcon from '@patternfly/react-icons/dist/esm/icons/exclamation-circle-icon';
import InProgressIcon from '@patternfly/react-icons/dist/esm/icons/in-progress-icon';
import type { StoreSweep } from '@paravcl/shared/api/store';
import type { ComponentType, ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useTimes } from '../../states/use-times';
import { useSiteZone } from '../../states/site-zone';

type Run = Pick<StoreSweep, 'state' | 'startedBy' | 'startedAt' | 'endedAt' | 'sentence'>;

const looks: Readonly<Record<Run['state'], readonly [NonNullable<LabelProps['color']>, ComponentType]>> = {
  running: ['blue', InProgressIcon],
  done: ['green', CheckCircleIcon],
  failed: ['red', ExclamationCircleIcon],
};

/** How a run over the store went: its state, its sentence, who began it and when. */
export function StoreRun({ run }: { readonly run: Run }): ReactNode {
  const { t } = useTranslation('images');
  const times = useTimes(useSiteZone());
  const [color, Icon] = looks[run.state];
  return (
    <div className="pv-lines">
      <p><Label isCompact color={color} icon={<Icon />}>{t(`store.run.${run.state}`)}</Label> {run.sentence}</p>
      <p className="pv-quiet">{t('store.begun', { who: run.startedBy, at: times.moment(run.startedAt) })} {run.endedAt !== null && t('store.ended', { at: times.moment(run.endedAt) })}</p>
    </div>
  );
}
