import { Alert, Checkbox, FormSection, List, ListItem } from '@patternfly/react-core';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { call } from '../../../api/call';
import { HostForm } from './host-form';

interface RemovalFormProps {
  readonly slaveId: string;
  readonly name: string;
  /** `keepPackages`: of a removal before, that is begun again. What gives up instances or disks is said anew each time. */
  readonly first: { readonly address: string; readonly port: number; readonly user: string; readonly keepPackages: boolean | null };
  readonly onCancel: () => void;
}

/** What it means to remove a host, and what is needed for it: the way to log in there. */
export function RemovalForm({ slaveId, name, first, onCancel }: RemovalFormProps): ReactNode {
  const { t } = useTranslation('install');
  const navigate = useNavigate();
  const [force, setForce] = useState(false);
  const [deleteDisks, setDeleteDisks] = useState(false);
  const [keepPackages, setKeepPackages] = useState(first.keepPackages ?? false);
  return (
    <div className="pv-install-steps">
      <div className="pv-lines">
        <Alert variant="warning" isInline component="p" title={t('removal.forGood', { name })} />
        <List>
          {(['pool', 'gone', 'packages', 'disks'] as const).map((each) => <ListItem key={each}>{t(`removal.what.${each}`)}</ListItem>)}
        </List>
      </div>
      <HostForm
        id="removal"
        first={first}
        verb={t('removal.verb')}
        isDanger
        send={(login, key) => call('post /slaves/:slaveId/removal', { params: { slaveId }, body: { ...login, force, deleteDisks, keepPackages } }, { key })}
        onBegun={({ id }) => void navigate(`/slaves/installs/${id}`)}
        onCancel={onCancel}
      >
        {() => (
          <FormSection title={t('removal.how')} titleElement="h3">
            <Checkbox id="removal-force" label={t('fleet:retire.force')} description={t('fleet:retire.forceHelp')} isChecked={force} onChange={(_event, isOn) => setForce(isOn)} />
            <Checkbox id="removal-disks" label={t('removal.deleteDisks')} description={t('removal.deleteDisksHelp')} isChecked={deleteDisks} onChange={(_event, isOn) => setDeleteDisks(isOn)} />
            <Checkbox id="removal-packages" label={t('removal.keepPackages')} description={t('removal.keepPackagesHelp')} isChecked={keepPackages} onChange={(_event, isOn) => setKeepPackages(isOn)} />
          </FormSection>
        )}
      </HostForm>
    </div>
  );
}
