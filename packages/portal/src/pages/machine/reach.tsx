import { ClipboardCopy, Title } from '@patternfly/react-core';
import type { Instance } from '@paravcl/shared/domain/instance';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useGet } from '../../api/use-api';
import { useMe } from '../../session/session';
import { sshCommand } from './ssh-command';

/** How one gets to a machine besides its screen: its address, and by SSH where the site has a gateway. */
export function Reach({ instance }: { readonly instance: Instance }): ReactNode {
  const { t } = useTranslation('machine');
  const { t: shell } = useTranslation('shell');
  const { user } = useMe();
  const gateway = useGet('none', 'get /ssh-gateway', {}).data;
  if (instance.address === null) return null;
  const copies = { isReadOnly: true, hoverTip: shell('copy'), clickTip: shell('copied') } as const;
  return (
    <>
      <Title headingLevel="h2" size="md">{t('reach.title')}</Title>
      <p>{t('reach.address')}</p>
      <ClipboardCopy {...copies} textAriaLabel={t('reach.address')}>{instance.address}</ClipboardCopy>
      {gateway?.enabled === true && (
        <>
          <p>{t('reach.ssh')}</p>
          <ClipboardCopy {...copies} textAriaLabel={t('reach.ssh')}>{sshCommand(gateway, user.name, instance.name)}</ClipboardCopy>
          <p className="pv-quiet">{t('reach.hostKey', { fingerprint: gateway.hostKeyFingerprint })}</p>
          {user.sshPublicKeys.length === 0 && <div><Link to="/account">{t('reach.addKey')}</Link></div>}
        </>
      )}
      <div><Link to={`/machines/${instance.id}/serial`}>{t('reach.serial')}</Link></div>
    </>
  );
}
