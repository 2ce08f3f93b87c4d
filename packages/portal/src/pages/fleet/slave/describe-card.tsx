import { Card, CardBody, CardTitle, DescriptionList, DescriptionListDescription, DescriptionListGroup, DescriptionListTerm } from '@patternfly/react-core';
import type { ForeignDomain, Slave } from '@paravcl/shared/domain/slave';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useGet } from '../../../api/use-api';
import { tellMiB } from '../../../states/sizes';
import { useTimes } from '../../../states/use-times';
import { useSiteZone } from '../../../states/site-zone';

/** What the host has, asked afresh when the page opens; what it said last stays shown where it cannot be asked. */
export function DescribeCard({ slave, foreign }: { readonly slave: Slave; readonly foreign: readonly ForeignDomain[] }): ReactNode {
  const { t, i18n } = useTranslation('fleet');
  const times = useTimes(useSiteZone());
  const asked = useGet('none', 'get /slaves/:slaveId/describe', { params: { slaveId: slave.id } }, { everyMs: 60_000 });
  const it = asked.data?.describe ?? slave.describe;
  const number = new Intl.NumberFormat(i18n.language, { maximumFractionDigits: 2 });
  const { hypervisor } = it;
  const lines: readonly (readonly [string, ReactNode])[] = [
    [t('describe.host'), it.hostname],
    [t('describe.address'), slave.address ?? t('unknown')],
    [t('describe.processor'), t('describe.processorSays', { model: it.cpuModel, cores: it.cores, threads: it.threads, speed: number.format(slave.speed ?? it.relativeSpeed) })],
    [t('describe.ram'), t('describe.freeOf', { free: tellMiB(it.ramAvailableMiB), total: tellMiB(it.ramTotalMiB) })],
    [t('describe.pool'), t('describe.freeOf', { free: tellMiB(it.poolAvailableMiB), total: tellMiB(it.poolTotalMiB) })],
    [t('describe.promised'), t('describe.promisedSays', { count: slave.used.instances, size: t('instances.sized', { count: slave.used.vcpus, ram: tellMiB(slave.used.ramMiB) }), disk: tellMiB(slave.used.diskMiB) })],
    [t('describe.hypervisor'), [hypervisor.kind, hypervisor.libvirt === null ? null : `libvirt ${hypervisor.libvirt}`, hypervisor.qemu === null ? null : `QEMU ${hypervisor.qemu}`, hypervisor.machine, hypervisor.cpu].filter((each) => each !== null).join(', ')],
    [t('describe.why'), hypervisor.why],
    [t('describe.load'), number.format(it.load1)],
    [t('describe.clock'), it.clockOffsetMs === null ? t('unknown') : t('describe.clockSays', { ms: number.format(it.clockOffsetMs) })],
    ...it.interfaces.filter(({ physical }) => physical).map(({ name, mac, addresses, linkSpeedMbps }) => [t('describe.card', { name }), [...addresses, mac, linkSpeedMbps === null ? t('describe.linkUnknown') : t('describe.mbps', { mbps: linkSpeedMbps })].join(', ')] as const),
    [t('describe.agent'), slave.agentBuild ?? t('unknown')],
    [t('describe.joined'), times.moment(slave.createdAt)],
  ];
  return (
    <Card>
      <CardTitle component="h2">{t('describe.title')}</CardTitle>
      <CardBody className="pv-fleet-stack">
        {asked.data?.sentence != null && <p>{asked.data.sentence}</p>}
        {asked.data?.asOf != null && <p className="pv-quiet">{t('describe.asOf', { at: times.moment(asked.data.asOf) })}</p>}
        <DescriptionList isCompact orientation={{ sm: 'horizontal' }} horizontalTermWidthModifier={{ default: '9rem' }}>
          {lines.map(([term, said]) => (
            <DescriptionListGroup key={term}>
              <DescriptionListTerm>{term}</DescriptionListTerm>
              <DescriptionListDescription>{said}</DescriptionListDescription>
            </DescriptionListGroup>
          ))}
        </DescriptionList>
        {foreign.length > 0 && (
          <div>
            <p>{t('describe.foreign', { count: foreign.length })}</p>
            <ul>{foreign.map(({ uuid, name, state }) => <li key={uuid}>{name} ({state})</li>)}</ul>
          </div>
        )}
      </CardBody>
    </Card>
  );
}
