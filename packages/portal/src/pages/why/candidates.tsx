import type { Decision } from '@paravcl/shared/domain/decision';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { tellNumber, tellScore } from '../../states/numbers';
import { tellMiB } from '../../states/sizes';
import { useSlaveNames } from './slave-names';

/** The slaves that were asked: what kept how many of them from it, and the best of those that could. */
export function Candidates({ decision: { candidates, chosen } }: { readonly decision: Pick<Decision, 'candidates' | 'chosen'> }): ReactNode {
  const { t } = useTranslation('why');
  const names = useSlaveNames();
  const { considered, reasons, top } = candidates;
  if (considered === 0) return <p>{t('candidates.none')}</p>;
  return (
    <>
      <p>{t('candidates.considered', { count: considered })}</p>
      <ul className="pv-why__list">
        {reasons.map(({ reason, count }) => <li key={reason}>{t('candidates.reason', { count, reason: t(`reason.${reason}`) })}</li>)}
        {top.map(({ slaveId, score, parts }) => (
          <li key={slaveId}>
            {t(slaveId === chosen?.slaveId ? 'candidates.chosen' : 'candidates.could', { name: names === undefined ? '…' : (names.get(slaveId) ?? t('candidates.unnamed')), score: tellScore(score) })}
            {Object.keys(parts).length > 0 && ` (${Object.entries(parts).map(([part, value]) => t(`candidates.part.${part}`, { value: part.endsWith('MiB') ? tellMiB(value) : tellNumber(value), defaultValue: part })).join(', ')})`}
          </li>
        ))}
      </ul>
    </>
  );
}
