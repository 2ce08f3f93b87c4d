import type { Slave } from '@paravcl/shared/domain/slave';
import { Table, Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { tellMiB } from '../../states/sizes';
import { useTimes } from '../../states/use-times';
import { useSiteZone } from '../../states/site-zone';
import { ApproveButton } from './approve-button';
import { Meter } from './meter';
import { StandingLabel } from './standing-label';
import { poolPercent, standingOf } from './standing';

interface SlaveTableProps {
  readonly slaves: readonly Slave[];
  readonly label: string;
  readonly mayOperate: boolean;
}

/** Slaves with their state, what is promised of them, and what keeps them from their work, in full. */
export function SlaveTable({ slaves, label, mayOperate }: SlaveTableProps): ReactNode {
  const { t } = useTranslation('fleet');
  const times = useTimes(useSiteZone());
  return (
    <Table aria-label={label} variant="compact" gridBreakPoint="grid-lg">
      <Thead>
        <Tr>
          <Th width={40}>{t('slaves.name')}</Th>
          <Th>{t('slaves.state')}</Th>
          <Th width={20}>{t('slaves.promised')}</Th>
          <Th width={10} modifier="wrap">{t('slaves.cache')}</Th>
          {mayOperate && <Th screenReaderText={t('actions')} />}
        </Tr>
      </Thead>
      <Tbody>
        {slaves.map((slave) => {
          const { id, name, kind, admission, admissionReason, describe, lent, used, warnings, evacuation, lastSeenAt } = slave;
          const isAsking = admission === 'pending' || admission === 'quarantined';
          return (
            <Tr key={id}>
              <Td dataLabel={t('slaves.name')} modifier="breakWord">
                <Link to={`/slaves/${id}`}>{name}</Link> <span className="pv-quiet">{t(`kind.${kind}`)}</span>
                {isAsking && <div className="pv-quiet">{t('slaves.described', { host: describe.hostname, address: slave.address ?? t('unknown'), model: describe.cpuModel })}</div>}
                {!describe.hypervisor.usable && <div>{describe.hypervisor.why}</div>}
                {[admissionReason, evacuation?.sentence, ...warnings].filter((each) => each != null).map((each) => <div key={each}>{each}</div>)}
              </Td>
              <Td dataLabel={t('slaves.state')}>
                <div>
                  <StandingLabel standing={standingOf(slave)} />
                  <div className="pv-quiet">{lastSeenAt === null ? t('slaves.never') : t('slaves.seen', { at: times.moment(lastSeenAt) })}</div>
                </div>
              </Td>
              <Td dataLabel={t('slaves.promised')}>
                <div className="pv-lines">
                  <Meter isScarce part={used.vcpus} whole={lent.vcpus} words={t('slaves.coresOf', { part: used.vcpus, whole: lent.vcpus })} />
                  <Meter isScarce part={used.ramMiB} whole={lent.ramMiB} words={t('slaves.of', { part: tellMiB(used.ramMiB), whole: tellMiB(lent.ramMiB) })} />
                </div>
              </Td>
              <Td dataLabel={t('slaves.cache')}><Meter isScarce part={poolPercent(describe)} whole={100} words={t('slaves.percent', { percent: poolPercent(describe) })} /></Td>
              {mayOperate && <Td modifier="fitContent">{isAsking && <ApproveButton slave={slave} size="sm" />}</Td>}
            </Tr>
          );
        })}
      </Tbody>
    </Table>
  );
}
