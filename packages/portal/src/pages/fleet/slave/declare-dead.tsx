import { Alert, Button, Form, Modal, ModalBody, ModalFooter, ModalHeader } from '@patternfly/react-core';
import type { Slave } from '@paravcl/shared/domain/slave';
import { useState, type FormEvent, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useDo } from '../../../api/use-api';
import { useSay } from '../../../shell/toasts';
import { Field } from '../../../states/field';
import { ProblemAlert } from '../../../states/problem-alert';

/** Before what a lost slave had is started elsewhere: only who types its name has read what may happen. */
export function DeclareDead({ slave, onClose }: { readonly slave: Slave; readonly onClose: () => void }): ReactNode {
  const { t } = useTranslation('fleet');
  const say = useSay();
  const [typed, setTyped] = useState('');
  const declare = useDo('post /slaves/:slaveId/declare-dead', ['slaves', 'instances', 'pool']);
  const isSure = typed.trim() === slave.name;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (!isSure) return;
    declare.mutate({ params: { slaveId: slave.id } }, { onSuccess: () => { say(t('dead.done', { name: slave.name })); onClose(); } });
  };
  return (
    <Modal isOpen variant="small" onClose={onClose} aria-labelledby="dead-title">
      <ModalHeader title={t('dead.title', { name: slave.name })} labelId="dead-title" titleIconVariant="warning" />
      <ModalBody>
        <Form id="dead-form" onSubmit={submit}>
          <Alert variant="danger" isInline title={t('dead.twice')} component="p" />
          <p>{t('dead.body', { name: slave.name, count: slave.used.instances })}</p>
          <p>{t('dead.check')}</p>
          <Field id="dead-name" label={t('dead.type', { name: slave.name })} value={typed} onChange={setTyped} autoComplete="off" isRequired autoFocus />
          <ProblemAlert problem={declare.error} />
        </Form>
      </ModalBody>
      <ModalFooter>
        <Button variant="danger" type="submit" form="dead-form" isLoading={declare.isPending} isDisabled={!isSure || declare.isPending}>{t('verb.declareDead')}</Button>
        <Button variant="link" onClick={onClose}>{t('shell:cancel')}</Button>
      </ModalFooter>
    </Modal>
  );
}
