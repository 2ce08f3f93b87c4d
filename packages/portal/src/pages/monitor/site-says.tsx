import type { MonitoredSite } from '@paravcl/shared/api/monitoring';
import { Alert, List, ListItem } from '@patternfly/react-core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { tellMiB } from '../../states/sizes';

/** The site in sentences, and above all what was promised and is not kept. */
export function SiteSays({ site }: { readonly site: MonitoredSite }): ReactNode {
  const { t } = useTranslation('monitor');
  const { violations: { atRisk, late, lost, short }, vcpus, ramMiB, diskMiB } = site;
  const broken = [
    ...(atRisk > 0 ? [t('unkept.atRisk', { count: atRisk })] : []),
    ...(late > 0 ? [t('unkept.late', { count: late })] : []),
    ...(lost > 0 ? [t('unkept.lost', { count: lost })] : []),
    ...(short > 0 ? [t('unkept.short', { count: short })] : []),
  ];
  return (
    <>
      {broken.length > 0 && (
        <Alert variant="warning" isInline title={t('unkept.title')} component="p">
          <List isPlain>{broken.map((each) => <ListItem key={each}>{each}</ListItem>)}</List>
        </Alert>
      )}
      <div className="pv-monitor-says">
        <p>{t('says.hosts', { taking: site.slavesTakingGuests, count: site.slaves })} {t('says.machines', { running: site.running, count: site.deployed })} {t('says.queued', { count: site.queued })}</p>
        <p>{t('says.people', { count: site.usersConnected, used: site.connectionsUsed, most: site.connectionsMost })}</p>
        <p>{t('says.room', { promised: vcpus.promised, lent: vcpus.lent, ramPromised: tellMiB(ramMiB.promised), ramLent: tellMiB(ramMiB.lent) })} {t('says.free', { ram: tellMiB(ramMiB.available), disk: tellMiB(diskMiB.available) })}</p>
        {broken.length === 0 && <p>{t('unkept.none')}</p>}
      </div>
    </>
  );
}
