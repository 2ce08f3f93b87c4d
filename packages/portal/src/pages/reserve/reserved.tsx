import { Alert, Button, Card, CardBody, CardTitle, Stack, StackItem, Title } from '@patternfly/react-core';
import type { ReservationAnswer } from '@paravcl/shared/api/reservations';
import { useEffect, useRef, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useTimes } from '../../states/use-times';
import { JoinWayShown } from '../fleet/join/join-way-shown';
import { PriorityParts } from '../why/priority-parts';

interface ReservedProps {
  readonly answer: ReservationAnswer;
  readonly timeZone: string | undefined;
  readonly onMore: () => void;
}

/** What was reserved, the weeks that follow, and how the machine of a pledge becomes a host, which is shown this once. */
export function Reserved({ answer, timeZone, onMore }: ReservedProps): ReactNode {
  const { t } = useTranslation('reserve');
  const times = useTimes(timeZone);
  const title = useRef<HTMLDivElement>(null);
  useEffect(() => title.current?.focus(), []);
  const { reservation, sentence, series, pledge, priority } = answer;
  return (
    <Card>
      <CardTitle>
        <div ref={title} tabIndex={-1}><Title headingLevel="h2" size="lg">{t('done.title')}</Title></div>
      </CardTitle>
      <CardBody>
        <Stack hasGutter>
          <StackItem><Alert variant="success" isInline isPlain title={sentence} component="p" /></StackItem>
          {series.length > 0 && (
            <StackItem>
              <p>{t('done.series', { count: series.length })}</p>
              <ul className="pv-answer__moves">
                {series.map(({ reservationId, start }) => <li key={reservationId}><Link to={`/reservations/${reservationId}`}>{times.moment(start)}</Link></li>)}
              </ul>
            </StackItem>
          )}
          {pledge !== null && (
            <StackItem>
              <Title headingLevel="h3" size="md">{t('done.pledge', { until: times.moment(pledge.until) })}</Title>
              <JoinWayShown way={pledge} until={times.moment(pledge.until)} />
            </StackItem>
          )}
          <StackItem className="pv-reservation__actions">
            {reservation !== null && <Link to={`/reservations/${reservation.id}`}>{t('done.see')}</Link>}
            <Button variant="secondary" onClick={onMore}>{t('done.more')}</Button>
          </StackItem>
          <StackItem>
            <Title headingLevel="h3" size="md">{t('answer.priority')}</Title>
            <PriorityParts priority={priority} />
          </StackItem>
        </Stack>
      </CardBody>
    </Card>
  );
}
