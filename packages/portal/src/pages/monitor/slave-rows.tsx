import type { MonitoredSlave } from '@paravcl/shared/api/monitoring';
import { Button } from '@patternfly/react-core';
import { Table, Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { tellNumber } from '../../states/numbers';
import { tellMiB } from '../../states/sizes';
import { Meter } from '../fleet/meter';
import { standingBy } from '../fleet/standing';
import { StandingLabel } from '../fleet/standing-label';
import { inNeedOrder, unkept } from './monitored-standing';

interface SlaveRowsProps {
  readonly slaves: readonly MonitoredSlave[];
  readonly onPlots: (slaveId: string) => void;
}

/** Every slave with what is there, who is connected, what is promised and what it says is free; who needs attention first. */
export function SlaveRows({ slaves, onPlots }: SlaveRowsProps): ReactNode {
  const { t, i18n } = useTranslation('monitor');
  const of = (part: number | string, whole: number | string): string => t('slaves.of', { part, whole });
  return (
    <Table aria-label={t('slaves.title')} variant="compact" gridBreakPoint="grid-xl">
      <Thead>
        <Tr>
          <Th width={20} modifier="wrap">{t('slaves.host')}</Th>
          <Th width={15} modifier="wrap">{t('slaves.machines')}</Th>
          <Th width={15} modifier="wrap">{t('slaves.connections')}</Th>
          <Th width={15} modifier="wrap">{t('slaves.cores')}</Th>
          <Th width={15} modifier="wrap">{t('slaves.ram')}</Th>
          <Th width={15} modifier="wrap">{t('slaves.disk')}</Th>
          <Th screenReaderText={t('slaves.actions')} />
        </Tr>
      </Thead>
      <Tbody>
        {inNeedOrder(slaves, i18n.language).map((slave) => {
          const { id, name, sentence, applications, deployed, running, usersConnected, connectionsUsed, connectionsMost, vcpus, ramMiB, diskMiB, bandwidthMbps: net, load1, violations } = slave;
          return (
            <Tr key={id}>
              <Td dataLabel={t('slaves.host')} modifier="breakWord">
                <div><Link to={`/slaves/${id}`}>{name}</Link> <StandingLabel standing={standingBy(slave)} /></div>
                <div className="pv-quiet">{sentence}</div>
                {unkept(slave) > 0 && <div>{t('slaves.unkept', violations)}</div>}
              </Td>
              <Td dataLabel={t('slaves.machines')} modifier="breakWord">
                {t('slaves.run', { running, count: deployed })}
                {applications.map((each) => <div key={each.imageId} className="pv-quiet">{t('slaves.application', { name: each.name, running: each.running, deployed: each.deployed })}</div>)}
              </Td>
              <Td dataLabel={t('slaves.connections')}>{of(connectionsUsed, connectionsMost)}<div className="pv-quiet">{t('slaves.people', { count: usersConnected })}</div></Td>
              <Td dataLabel={t('slaves.cores')}><Meter part={vcpus.promised} whole={vcpus.lent} words={of(vcpus.promised, vcpus.lent)} /><div className="pv-quiet">{t('slaves.load', { load: tellNumber(load1) })}</div></Td>
              <Td dataLabel={t('slaves.ram')}><Meter part={ramMiB.promised} whole={ramMiB.lent} words={of(tellMiB(ramMiB.promised), tellMiB(ramMiB.lent))} /><div className="pv-quiet">{t('slaves.free', { size: tellMiB(ramMiB.available) })}</div></Td>
              <Td dataLabel={t('slaves.disk')}>
                <Meter part={diskMiB.promised} whole={diskMiB.lent} words={of(tellMiB(diskMiB.promised), tellMiB(diskMiB.lent))} />
                <div className="pv-quiet">{t('slaves.free', { size: tellMiB(diskMiB.available) })}</div>
                <div className="pv-quiet">{net.lent === null ? t('slaves.netUnknown', { promised: net.promised }) : t('slaves.net', { promised: net.promised, lent: net.lent })}</div>
              </Td>
              <Td dataLabel={t('slaves.actions')} modifier="fitContent"><Button variant="link" isInline size="sm" aria-label={t('slaves.plotsOf', { name })} onClick={() => onPlots(id)}>{t('slaves.plots')}</Button></Td>
            </Tr>
          );
        })}
      </Tbody>
    </Table>
  );
}
