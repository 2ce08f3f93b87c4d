import { Alert, Checkbox, ExpandableSection, FormGroup, FormSection, FormSelect, FormSelectOption } from '@patternfly/react-core';
import type { HostInstall } from '@paravcl/shared/domain/host-install';
import type { SlaveKind } from '@paravcl/shared/domain/slave';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { call } from '../../../api/call';
import { useMe } from '../../../session/session';
import { Field } from '../../../states/field';
import { OwnerField } from '../owner-field';
import { HostForm } from './host-form';

interface InstallFormProps {
  /** Of an install before, that is begun again as it was asked for. */
  readonly first?: Pick<HostInstall, 'address' | 'port' | 'user' | 'name' | 'slaveKind' | 'ownerUserId' | 'preapproved' | 'start'>;
  readonly onCancel?: () => void;
}

const anew = { address: '', port: 22, user: 'root', name: null, slaveKind: null, ownerUserId: null, preapproved: null, start: null } as const;

/** Has the agent put on a host by SSH, and goes to where that is followed. */
export function InstallForm({ first = anew, onCancel }: InstallFormProps): ReactNode {
  const { t } = useTranslation('install');
  const navigate = useNavigate();
  const [name, setName] = useState(first.name ?? '');
  const [slaveKind, setSlaveKind] = useState<SlaveKind>(first.slaveKind ?? 'dedicated');
  const { user } = useMe();
  const [owner, setOwner] = useState(first.ownerUserId === null || first.ownerUserId === user.id ? '' : first.ownerUserId);
  const [preapproved, setPreapproved] = useState(first.preapproved ?? true);
  const [isUnsupervised, setIsUnsupervised] = useState(first.start === 'unsupervised');
  // What was chosen before is seen.
  const [isMoreShown, setIsMoreShown] = useState(isUnsupervised);
  return (
    <HostForm
      id="install"
      first={first}
      verb={t('begin')}
      fields={slaveKind === 'volunteer' ? ['name', 'ownerUserId'] : ['name']}
      send={(login, key) => call('post /host-installs', { body: { ...login, ...(name.trim() === '' ? {} : { name: name.trim() }), slaveKind, ...(slaveKind === 'volunteer' && owner !== '' ? { ownerUserId: owner } : {}), preapproved, start: isUnsupervised ? 'unsupervised' : 'systemd' } }, { key })}
      onBegun={({ id }) => void navigate(`/slaves/installs/${id}`)}
      {...(onCancel === undefined ? {} : { onCancel })}
    >
      {(faultOf) => (
        <FormSection title={t('then.title')} titleElement="h3">
          <Field id="install-name" label={t('then.name')} value={name} onChange={setName} autoComplete="off" hint={t('then.nameHint')} fault={faultOf('name')} />
          <FormGroup label={t('fleet:form.kind')} fieldId="install-kind">
            <FormSelect id="install-kind" value={slaveKind} onChange={(_event, next) => setSlaveKind(next as SlaveKind)}>
              <FormSelectOption value="dedicated" label={t('fleet:form.dedicated')} />
              <FormSelectOption value="volunteer" label={t('fleet:form.volunteer')} />
            </FormSelect>
          </FormGroup>
          {slaveKind === 'volunteer' && <OwnerField id="install-owner" value={owner} onChange={setOwner} fault={faultOf('ownerUserId')} />}
          <Checkbox id="install-preapproved" label={t('then.preapproved')} description={t('then.preapprovedHelp')} isChecked={preapproved} onChange={(_event, isOn) => setPreapproved(isOn)} />
          <ExpandableSection toggleText={t('then.more')} isExpanded={isMoreShown} onToggle={(_event, isShown) => setIsMoreShown(isShown)}>
            <div className="pv-lines">
              <Checkbox id="install-unsupervised" label={t('then.unsupervised')} description={t('then.unsupervisedHelp')} isChecked={isUnsupervised} onChange={(_event, isOn) => setIsUnsupervised(isOn)} />
              {isUnsupervised && <Alert variant="warning" isInline isLiveRegion component="p" title={t('then.unsupervisedWarning')} />}
            </div>
          </ExpandableSection>
        </FormSection>
      )}
    </HostForm>
  );
}
