import { DescriptionList, DescriptionListDescription, DescriptionListGroup, DescriptionListTerm, Grid, GridItem, Title } from '@patternfly/react-core';
import type { Instance } from '@paravcl/shared/domain/instance';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { tellMiB } from '../../states/sizes';
import { useTimes } from '../../states/use-times';
import { ConsoleThumbnail } from '../console/console-thumbnail';
import { hasConsole } from '../console/stage';
import { useSiteZone } from '../../states/site-zone';
import { PriorityParts } from '../why/priority-parts';
import { PublicAddress } from './public-address';
import { useSlaveNames } from '../why/slave-names';
import { Reach } from './reach';
import { useImageNames } from './use-image-names';

/** What a machine is and how one gets to it; its screen beside it, its priority in its five parts below. */
export function Overview({ instance }: { readonly instance: Instance }): ReactNode {
  const { t } = useTranslation('machine');
  const times = useTimes(useSiteZone());
  const imageName = useImageNames()(instance.imageId);
  const slaveName = useSlaveNames()?.get(instance.slaveId ?? '');
  const facts: readonly (readonly [string, ReactNode])[] = [
    [t('fact.image'), imageName === undefined ? '…' : (imageName ?? t('fact.imageGone'))],
    [t('fact.sizes'), `${t('cores', { count: instance.vcpus })} · ${tellMiB(instance.ramMiB)} · ${t('fact.disk', { size: tellMiB(instance.diskMiB) })}`],
    [t('fact.where'), slaveName ?? t(instance.slaveId !== null ? 'fact.someSlave' : instance.inStore ? 'fact.store' : 'fact.nowhere')],
    [t('fact.home'), t(instance.home ? 'fact.withHome' : 'fact.withoutHome')],
    [t('fact.time'), instance.minutes === null ? t('fact.noEnd') : times.span(instance.minutes * 60_000)],
    ...(instance.reservationId === null ? [] : [[t('fact.reservation'), <Link key="r" to={`/reservations/${instance.reservationId}`}>{t('fact.toReservation')}</Link>] as const]),
    [t('fact.createdAt'), times.moment(instance.createdAt)],
  ];
  return (
    <Grid hasGutter>
      <GridItem span={12} lg={7}>
        <div className="pv-lines">
          <Reach instance={instance} />
          <PublicAddress instance={instance} />
          <DescriptionList isHorizontal isCompact aria-label={t('tab.overview')}>
            {facts.map(([term, description]) => (
              <DescriptionListGroup key={term}>
                <DescriptionListTerm>{term}</DescriptionListTerm>
                <DescriptionListDescription>{description}</DescriptionListDescription>
              </DescriptionListGroup>
            ))}
          </DescriptionList>
        </div>
      </GridItem>
      <GridItem span={12} lg={5}>
        <div className="pv-lines">
          {hasConsole(instance) && (
            <Link to={`/machines/${instance.id}/console`}>
              <ConsoleThumbnail instanceId={instance.id} name={instance.name} isOn everySeconds={10} />
            </Link>
          )}
          <Title headingLevel="h2" size="md">{t('priority')}</Title>
          <PriorityParts priority={instance.priority} />
        </div>
      </GridItem>
    </Grid>
  );
}
