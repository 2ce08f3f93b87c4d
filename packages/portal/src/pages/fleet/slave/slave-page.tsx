import { Alert, Grid, GridItem, PageSection } from '@patternfly/react-core';
import type { Slave } from '@paravcl/shared/domain/slave';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useParams } from 'react-router';
import { useGet } from '../../../api/use-api';
import { useMe } from '../../../session/session';
import { Read } from '../../../states/read';
import { useTimes } from '../../../states/use-times';
import { useSiteZone } from '../../../states/site-zone';
import { LinkButton } from '../../../shell/link-button';
import { PageHead } from '../../../shell/page-head';
import { StandingLabel } from '../standing-label';
import { standingOf } from '../standing';
import { useSlaveSentence } from '../use-slave-sentence';
import { DescribeCard } from './describe-card';
import { SlaveActions } from './slave-actions';
import { SlaveConnections } from './slave-connections';
import { SlaveImages } from './slave-images';
import { SlaveInstances } from './slave-instances';
import '../../teach/teach.css';
import '../fleet.css';

/** One slave: a sentence, what to do about it, and then its numbers. */
export function SlavePage(): ReactNode {
  const { slaveId = '' } = useParams();
  const slave = useGet('slaves', 'get /slaves/:slaveId', { params: { slaveId } });
  return <Read of={slave}>{(found) => <SlaveShown slave={found} />}</Read>;
}

function SlaveShown({ slave }: { readonly slave: Slave }): ReactNode {
  const { t } = useTranslation('fleet');
  const { user } = useMe();
  const times = useTimes(useSiteZone());
  const tell = useSlaveSentence();
  const runsLab = user.role === 'operator' || user.role === 'admin';
  const { id, name, admission, admissionReason, evacuation, lastSeenAt, warnings, foreignDomains } = slave;
  return (
    <>
      <PageHead title={name} above={runsLab ? { to: '/slaves', words: t('slaves.title') } : { to: '/my-slaves', words: t('mine.title') }} actions={runsLab ? <SlaveActions slave={slave} /> : undefined}>
        <p className="pv-fleet-says"><StandingLabel standing={standingOf(slave)} /> {tell(slave)}.</p>
        <p className="pv-quiet">{(admission !== 'approved' || slave.liveness === 'online') && t(`admission.${admission}`)} {lastSeenAt === null ? t('slave.neverSeen') : t('slave.seen', { at: times.moment(lastSeenAt) })}</p>
        {runsLab && <LinkButton to={`/events?subjectId=${id}`} variant="link" size="sm">{t('slave.events')}</LinkButton>}
      </PageHead>
      <PageSection className="pv-fleet-stack">
        {admissionReason !== null && <Alert variant="danger" isInline title={admissionReason} component="p" />}
        {evacuation !== null && <Alert variant="info" isInline isLiveRegion title={t('slave.evacuating', { left: evacuation.left, of: evacuation.of })} component="p">{evacuation.sentence}</Alert>}
        {warnings.map((warning) => <Alert key={warning} variant="warning" isInline title={warning} component="p" />)}
        <Grid hasGutter>
          <GridItem xl={7} className="pv-fleet-stack">
            <SlaveInstances slaveId={id} />
            <SlaveImages slaveId={id} />
            <SlaveConnections slave={slave} />
          </GridItem>
          <GridItem xl={5} className="pv-fleet-stack">
            <DescribeCard slave={slave} foreign={foreignDomains} />
          </GridItem>
        </Grid>
      </PageSection>
    </>
  );
}
