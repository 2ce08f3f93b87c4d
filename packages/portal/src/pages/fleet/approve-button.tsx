import { Button, Checkbox } from '@patternfly/react-core';
import type { Slave } from '@paravcl/shared/domain/slave';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useDo } from '../../api/use-api';
import { useSay } from '../../shell/toasts';
import { Confirm } from '../../states/confirm';
import { tellMiB } from '../../states/sizes';

/** Lets a waiting or quarantined slave take part, after a look at what it says of itself. */
export function ApproveButton({ slave, size = 'default' }: { readonly slave: Slave; readonly size?: 'default' | 'sm' }): ReactNode {
  const { t } = useTranslation('fleet');
  const say = useSay();
  const [isAsking, setIsAsking] = useState(false);
  const [accepts, setAccepts] = useState(false);
  const approve = useDo('post /slaves/:slaveId/approve', ['slaves', 'pool']);
  const { describe, name } = slave;
  const isQuarantined = slave.admission === 'quarantined';
  const close = (): void => {
    setIsAsking(false);
    setAccepts(false);
    approve.reset();
  };
  return (
    <>
      <Button size={size} variant="primary" onClick={() => setIsAsking(true)} aria-label={t('approve.of', { name })}>{t('approve.verb')}</Button>
      {isAsking && (
        <Confirm
          title={t('approve.title', { name })}
          verb={t('approve.verb')}
          isDanger={isQuarantined}
          isPending={approve.isPending}
          problem={approve.error}
          onClose={close}
          onConfirm={() => approve.mutate({ params: { slaveId: slave.id }, body: { acceptIdentity: accepts } }, { onSuccess: () => { say(t('approve.done', { name })); close(); } })}
        >
          <div className="pv-lines">
            {slave.admissionReason !== null && <p><strong>{slave.admissionReason}</strong></p>}
            <p>{t('approve.body', { host: describe.hostname, address: slave.address ?? t('unknown'), cores: describe.cores, ram: tellMiB(describe.ramTotalMiB), why: describe.hypervisor.why })}</p>
            {isQuarantined && <Checkbox id={`accept-${slave.id}`} label={t('approve.accept')} description={t('approve.acceptHelp')} isChecked={accepts} onChange={(_event, isOn) => setAccepts(isOn)} />}
          </div>
        </Confirm>
      )}
    </>
  );
}
