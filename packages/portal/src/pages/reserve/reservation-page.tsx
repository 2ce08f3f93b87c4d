import './reserve.css';
import { Breadcrumb, BreadcrumbItem, Card, CardBody, CardTitle, DescriptionList, DescriptionListDescription, DescriptionListGroup, DescriptionListTerm, Grid, GridItem, PageSection, Stack, StackItem, Title } from '@patternfly/react-core';
import type { Reservation } from '@paravcl/shared/domain/reservation';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useParams } from 'react-router';
import { useGet } from '../../api/use-api';
import { useTitle } from '../../shell/title';
import { Read } from '../../states/read';
import { tellMiB } from '../../states/sizes';
import { useTimes } from '../../states/use-times';
import { WhyPanel } from '../why/why-panel';
import { MovedReservation } from './moved-reservation';
import { actionsOf, isMovedAnew, mayOperate } from './reservation-actions';
import { ReservationButtons } from './reservation-buttons';
import { ReservationStateLabel } from './reservation-state-label';
import { useSiteZone } from '../../states/site-zone';
import { tellWindow } from './tell-window';
import { useReservationWords } from './use-reservation-words';

/** One reservation: where it stands, what can be done with it, what it is, and why it came to be so. */
export function ReservationPage(): ReactNode {
  const { t } = useTranslation('reserve');
  const { reservationId = '' } = useParams();
  const times = useTimes(useSiteZone());
  const reservation = useGet('reservations', 'get /reservations/:reservationId', { params: { reservationId } });
  const title = reservation.data === undefined ? t('one.title') : t('one.titleOf', { start: times.moment(reservation.data.start) });
  useTitle(title);
  return (
    <PageSection>
      <Breadcrumb aria-label={t('one.where')}>
        <BreadcrumbItem><Link to="/reservations">{t('list.title')}</Link></BreadcrumbItem>
        <BreadcrumbItem isActive>{t('one.title')}</BreadcrumbItem>
      </Breadcrumb>
      <Title headingLevel="h1" className="pv-page-title">{title}</Title>
      <Read of={reservation}>{(one) => <Shown reservation={one} />}</Read>
    </PageSection>
  );
}

function Shown({ reservation }: { readonly reservation: Reservation }): ReactNode {
  const { t } = useTranslation('reserve');
  const timeZone = useSiteZone();
  const times = useTimes(timeZone);
  const words = useReservationWords();
  const claimable = useGet('reservations', 'get /claimable', {}).data?.items ?? [];
  const now = Date.now();
  const actions = actionsOf(reservation, words.who, new Set(claimable.map((one) => one.reservationId)), now);
  const asksAboutMove = isMovedAnew(reservation, now) && mayOperate(reservation, words.who);
  const { start, end, diskMiB, bandwidthMbps, moved, readiness, used, count, createdAt } = reservation;
  const facts: readonly (readonly [string, ReactNode])[] = [
    [t('list.when'), tellWindow(times, start, end)],
    [t('list.size'), words.size(reservation)],
    [t('one.disk'), tellMiB(diskMiB)],
    ...(bandwidthMbps === null ? [] : [[t('one.bandwidth'), t('one.mbps', { count: bandwidthMbps })] as const]),
    [t('list.image'), words.image(reservation)],
    [t('list.for'), words.owner(reservation)],
    [t('one.claimed'), t('one.of', { used: used.count, count })],
    ...(readiness === undefined ? [] : [[t('one.readiness'), readiness.sentence] as const]),
    ...(moved === null ? [] : [[t('one.moved'), t('answer.move', { from: times.moment(moved.from), to: times.moment(moved.to) })] as const]),
    [t('one.created'), times.moment(createdAt)],
  ];
  return (
    <Stack hasGutter>
      <StackItem>
        <ReservationStateLabel state={reservation.state} />
        <p className="pv-why__sentence">{reservation.sentence}</p>
      </StackItem>
      {asksAboutMove
        ? <StackItem><MovedReservation reservation={reservation} actions={actions} timeZone={timeZone} /></StackItem>
        : <StackItem><ReservationButtons reservation={reservation} actions={actions} claimable={claimable.find((one) => one.reservationId === reservation.id)} timeZone={timeZone} shown={5} /></StackItem>}
      <StackItem>
        <Grid hasGutter lg={6}>
          <GridItem>
            <Card>
              <CardTitle><Title headingLevel="h2" size="lg">{t('one.facts')}</Title></CardTitle>
              <CardBody>
                <DescriptionList isHorizontal isCompact>
                  {facts.map(([term, fact]) => (
                    <DescriptionListGroup key={term}>
                      <DescriptionListTerm>{term}</DescriptionListTerm>
                      <DescriptionListDescription>{fact}</DescriptionListDescription>
                    </DescriptionListGroup>
                  ))}
                </DescriptionList>
              </CardBody>
            </Card>
          </GridItem>
          <GridItem>
            <Card>
              <CardTitle><Title headingLevel="h2" size="lg">{t('one.why')}</Title></CardTitle>
              <CardBody><WhyPanel of={{ reservationId: reservation.id }} /></CardBody>
            </Card>
          </GridItem>
        </Grid>
      </StackItem>
    </Stack>
  );
}
