import { Button } from '@patternfly/react-core';
import type { Slave } from '@paravcl/shared/domain/slave';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useDo } from '../../../api/use-api';
import { useMe } from '../../../session/session';
import { useSay } from '../../../shell/toasts';
import { ApproveButton } from '../approve-button';
import { RemoveHost } from '../install/remove-host';
import { DeclareDead } from './declare-dead';
import { EvacuateQuestion, RetireQuestion } from './leave-questions';
import { slaveVerbs, type SlaveVerb } from './slave-verbs';
import { SlaveForm } from './slave-form';

/** What can be done about a slave as it stands, the likely thing first. */
export function SlaveActions({ slave }: { readonly slave: Slave }): ReactNode {
  const { t } = useTranslation('fleet');
  const { user } = useMe();
  const say = useSay();
  const [asks, setAsks] = useState<SlaveVerb | null>(null);
  const drain = useDo('post /slaves/:slaveId/drain', ['slaves', 'pool']);
  const undrain = useDo('post /slaves/:slaveId/undrain', ['slaves', 'pool']);
  const params = { slaveId: slave.id };
  const close = (): void => setAsks(null);
  const begin = (verb: SlaveVerb): void => {
    const onError = ({ message }: Error): void => say(message, 'danger');
    if (verb === 'drain') drain.mutate({ params }, { onError, onSuccess: () => say(t('done.drain', { name: slave.name })) });
    else if (verb === 'undrain') undrain.mutate({ params }, { onError, onSuccess: () => say(t('done.undrain', { name: slave.name })) });
    else setAsks(verb);
  };
  const isPending = drain.isPending || undrain.isPending;
  return (
    <>
      {slaveVerbs(slave, user.role).map((verb) =>
        verb === 'approve' ? (
          <ApproveButton key={verb} slave={slave} />
        ) : (
          <Button key={verb} variant={verb === 'undrain' ? 'primary' : 'secondary'} isDanger={verb === 'retire' || verb === 'declareDead' || verb === 'remove'} isDisabled={isPending} onClick={() => begin(verb)}>{t(`verb.${verb}`)}</Button>
        ),
      )}
      {asks === 'edit' && <SlaveForm slave={slave} onClose={close} />}
      {asks === 'evacuate' && <EvacuateQuestion slave={slave} onClose={close} />}
      {asks === 'retire' && <RetireQuestion slave={slave} onClose={close} />}
      {asks === 'remove' && <RemoveHost slave={slave} onClose={close} />}
      {asks === 'declareDead' && <DeclareDead slave={slave} onClose={close} />}
    </>
  );
}
