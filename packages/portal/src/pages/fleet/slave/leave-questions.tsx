import { Checkbox } from '@patternfly/react-core';
import type { Slave } from '@paravcl/shared/domain/slave';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useDo } from '../../../api/use-api';
import { useSay } from '../../../shell/toasts';
import { Confirm } from '../../../states/confirm';

interface QuestionProps {
  readonly slave: Slave;
  readonly onClose: () => void;
}

/** Before everything on a slave leaves it. */
export function EvacuateQuestion({ slave, onClose }: QuestionProps): ReactNode {
  const { t } = useTranslation('fleet');
  const say = useSay();
  const evacuate = useDo('post /slaves/:slaveId/evacuate', ['slaves', 'instances', 'operations', 'pool']);
  return (
    <Confirm
      title={t('evacuate.title', { name: slave.name })}
      verb={t('verb.evacuate')}
      isPending={evacuate.isPending}
      problem={evacuate.error}
      onClose={onClose}
      onConfirm={() => evacuate.mutate({ params: { slaveId: slave.id } }, { onSuccess: ({ operation }) => { say(operation.sentence, 'info'); onClose(); } })}
    >
      <p>{t('evacuate.body', { count: slave.used.instances })}</p>
    </Confirm>
  );
}

/** Before a slave leaves the pool for good: what is lost, and what stays. */
export function RetireQuestion({ slave, onClose }: QuestionProps): ReactNode {
  const { t } = useTranslation('fleet');
  const say = useSay();
  const [force, setForce] = useState(false);
  const retire = useDo('post /slaves/:slaveId/retire', ['slaves', 'instances', 'pool']);
  return (
    <Confirm
      title={t('retire.title', { name: slave.name })}
      verb={t('verb.retire')}
      isDanger
      isPending={retire.isPending}
      problem={retire.error}
      onClose={onClose}
      onConfirm={() => retire.mutate({ params: { slaveId: slave.id }, body: { force } }, { onSuccess: () => { say(t('retire.done', { name: slave.name })); onClose(); } })}
    >
      <div className="pv-lines">
        <p>{t('retire.body')}</p>
        <p>{t('retire.stays')}</p>
        <Checkbox id="retire-force" label={t('retire.force')} description={t('retire.forceHelp')} isChecked={force} onChange={(_event, isOn) => setForce(isOn)} />
      </div>
    </Confirm>
  );
}
