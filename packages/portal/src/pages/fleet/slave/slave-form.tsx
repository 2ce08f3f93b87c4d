import { Button, Form, FormGroup, FormSelect, FormSelectOption, Modal, ModalBody, ModalFooter, ModalHeader } from '@patternfly/react-core';
import type { Slave, SlaveKind } from '@paravcl/shared/domain/slave';
import { useState, type FormEvent, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useDo } from '../../../api/use-api';
import { useMe } from '../../../session/session';
import { Field } from '../../../states/field';
import { ProblemAlert } from '../../../states/problem-alert';
import { useAll } from '../../../api/use-all';

/** Name, kind and owner of a slave, how many connections it takes, and how fast it counts as. Only admins are shown who people are, so only they choose an owner. */
export function SlaveForm({ slave, onClose }: { readonly slave: Slave; readonly onClose: () => void }): ReactNode {
  const { t, i18n } = useTranslation('fleet');
  const { user } = useMe();
  const [name, setName] = useState(slave.name);
  const [kind, setKind] = useState<SlaveKind>(slave.kind);
  const [owner, setOwner] = useState(slave.ownerUserId ?? '');
  const [most, setMost] = useState(slave.maxConnections === null ? '' : String(slave.maxConnections));
  const [speed, setSpeed] = useState(slave.speed === undefined ? '' : String(slave.speed));
  const edit = useDo('patch /slaves/:slaveId', ['slaves', 'pool']);
  const isAdmin = user.role === 'admin';
  const people = useAll('none', 'get /users', {}, { enabled: isAdmin && kind === 'volunteer' });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const ownerUserId = kind === 'dedicated' || owner === '' ? null : owner;
    edit.mutate({ params: { slaveId: slave.id }, body: { name, kind, maxConnections: most.trim() === '' ? null : Number(most), speed: speed.trim() === '' ? null : Number(speed), ...(isAdmin || kind === 'dedicated' ? { ownerUserId } : {}) } }, { onSuccess: onClose });
  };
  const fault = edit.error?.faultOf('name') ?? null;
  const speedFault = edit.error?.faultOf('speed') ?? null;
  const mostFault = edit.error?.faultOf('maxConnections') ?? null;
  return (
    <Modal isOpen variant="small" onClose={onClose} aria-labelledby="slave-form-title">
      <ModalHeader title={t('form.title', { name: slave.name })} labelId="slave-form-title" />
      <ModalBody>
        <Form id="slave-form" onSubmit={submit}>
          <Field id="slave-name" label={t('slaves.name')} value={name} onChange={setName} isRequired autoFocus fault={fault} />
          <FormGroup label={t('form.kind')} fieldId="slave-kind">
            <FormSelect id="slave-kind" value={kind} onChange={(_event, next) => setKind(next as SlaveKind)}>
              <FormSelectOption value="dedicated" label={t('form.dedicated')} />
              <FormSelectOption value="volunteer" label={t('form.volunteer')} />
            </FormSelect>
          </FormGroup>
          {isAdmin && kind === 'volunteer' && (
            <FormGroup label={t('form.owner')} fieldId="slave-owner">
              <FormSelect id="slave-owner" value={owner} onChange={(_event, next) => setOwner(next)}>
                <FormSelectOption value="" label={t('form.nobody')} />
                {[...(people.data ?? [])].sort((a, b) => a.displayName.localeCompare(b.displayName, i18n.language)).map((person) => <FormSelectOption key={person.id} value={person.id} label={`${person.displayName} (${person.name})`} />)}
              </FormSelect>
            </FormGroup>
          )}
          <Field id="slave-connections" label={t('form.connections')} type="number" min={0} max={10_000} value={most} onChange={setMost} hint={t('form.connectionsHint')} fault={mostFault} />
          <Field id="slave-speed" label={t('form.speed')} type="number" min={0.01} max={100} step="any" value={speed} onChange={setSpeed} hint={t('form.speedHint', { measured: slave.describe.relativeSpeed })} fault={speedFault} />
          {fault === null && mostFault === null && speedFault === null && <ProblemAlert problem={edit.error} />}
        </Form>
      </ModalBody>
      <ModalFooter>
        <Button type="submit" form="slave-form" isLoading={edit.isPending} isDisabled={edit.isPending || name.trim() === ''}>{t('save')}</Button>
        <Button variant="link" onClick={onClose}>{t('shell:cancel')}</Button>
      </ModalFooter>
    </Modal>
  );
}
