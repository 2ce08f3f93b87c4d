import type { Slave } from '@paravcl/shared/domain/slave';
import { useTranslation } from 'react-i18next';
import { tellMiB } from '../../states/sizes';
import { poolPercent } from './standing';

/** A slave as a sentence: whether it is heard of, what it runs guests with, what is promised, how full its pool is. */
export function useSlaveSentence(): (slave: Slave) => string {
  const { t } = useTranslation('fleet');
  return (slave) => {
    const { describe, lent, used, liveness } = slave;
    const { kind, usable } = describe.hypervisor;
    return [
      t(`says.${liveness}`),
      // Of who is silent for long nobody knows.
      ...(liveness === 'lost' ? [] : [usable ? t(`says.${kind}`) : t('says.unusable')]),
      t('says.cores', { used: used.vcpus, cores: lent.vcpus }),
      t('says.ram', { used: tellMiB(used.ramMiB), ram: tellMiB(lent.ramMiB) }),
      t('says.pool', { percent: poolPercent(describe) }),
    ].join(', ');
  };
}
