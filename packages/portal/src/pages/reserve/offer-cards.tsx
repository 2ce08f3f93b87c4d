import { Button, Card, CardBody, CardFooter, CardTitle, Title } from '@patternfly/react-core';
import type { Offer } from '@paravcl/shared/domain/decision';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useTimes } from '../../states/use-times';

interface OfferCardsProps {
  readonly offers: readonly Offer[];
  readonly timeZone: string | undefined;
  readonly onTake: (offer: Offer) => void;
}

/** What one can have instead of what was refused: one press takes it into the form. */
export function OfferCards({ offers, timeZone, onTake }: OfferCardsProps): ReactNode {
  const { t } = useTranslation('reserve');
  const times = useTimes(timeZone);
  if (offers.length === 0) return null;
  return (
    <div className="pv-offers">
      {offers.map((offer) => {
        const { kind, start, end, count, vcpus, vcpusEach } = offer;
        const words = { start: times.moment(start), end: times.moment(end), count, cores: vcpus, each: t('offer.cores', { count: vcpusEach }) };
        return (
          <Card key={`${kind} ${start} ${count}`} isCompact>
            <CardTitle><Title headingLevel="h3" size="md">{t(`offer.${kind}.title`, words)}</Title></CardTitle>
            <CardBody>{t(`offer.${kind}.body`, words)}</CardBody>
            <CardFooter>
              {kind === 'best-effort'
                ? <Link to="/launch">{t('offer.best-effort.take')}</Link>
                : <Button variant="primary" onClick={() => onTake(offer)}>{t(`offer.${kind}.take`, words)}</Button>}
            </CardFooter>
          </Card>
        );
      })}
    </div>
  );
}
