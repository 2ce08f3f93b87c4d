import { EmptyState, EmptyStateBody, ExpandableSection, Stack, StackItem } from '@patternfly/react-core';
import type { Decision } from '@paravcl/shared/domain/decision';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useGet } from '../../api/use-api';
import { Read } from '../../states/read';
import { useTimes } from '../../states/use-times';
import { useSiteZone } from '../../states/site-zone';
import { DecisionView } from './decision-view';
import { SubjectLink } from './subject-link';

export type WhyOf = { readonly decisionId: string } | { readonly instanceId: string } | { readonly reservationId: string };

const most = 20;

/** Why something was decided, for a drawer or a page: the newest decision in full, earlier ones folded below it. */
export function WhyPanel({ of, level = 'h3' }: { readonly of: WhyOf; readonly level?: 'h2' | 'h3' }): ReactNode {
  if ('decisionId' in of) return <One decisionId={of.decisionId} level={level} />;
  return 'instanceId' in of ? <OfInstance instanceId={of.instanceId} level={level} /> : <OfReservation reservationId={of.reservationId} level={level} />;
}

interface Level {
  readonly level: 'h2' | 'h3';
}

function One({ decisionId, level }: Level & { readonly decisionId: string }): ReactNode {
  const timeZone = useSiteZone();
  const decision = useGet('none', 'get /decisions/:decisionId', { params: { decisionId } });
  return (
    <Read of={decision}>
      {(one) => (
        <>
          <DecisionView decision={one} timeZone={timeZone} level={level} />
          <SubjectLink subject={one.subject} isMade={one.kind !== 'refuse'} />
        </>
      )}
    </Read>
  );
}

function OfInstance({ instanceId, level }: Level & { readonly instanceId: string }): ReactNode {
  const decisions = useGet('instances', 'get /instances/:instanceId/why', { params: { instanceId }, query: { limit: most } });
  return <Read of={decisions}>{({ items }) => <Decisions decisions={items} level={level} />}</Read>;
}

function OfReservation({ reservationId, level }: Level & { readonly reservationId: string }): ReactNode {
  const decisions = useGet('reservations', 'get /reservations/:reservationId/why', { params: { reservationId }, query: { limit: most } });
  return <Read of={decisions}>{({ items }) => <Decisions decisions={items} level={level} />}</Read>;
}

function Decisions({ decisions, level }: Level & { readonly decisions: readonly Decision[] }): ReactNode {
  const { t } = useTranslation('why');
  const timeZone = useSiteZone();
  const times = useTimes(timeZone);
  const [newest, ...earlier] = decisions;
  if (newest === undefined) {
    return (
      <EmptyState headingLevel={level} titleText={t('nothing.title')} variant="sm">
        <EmptyStateBody>{t('nothing.body')}</EmptyStateBody>
      </EmptyState>
    );
  }
  return (
    <Stack hasGutter>
      <StackItem>
        <DecisionView decision={newest} timeZone={timeZone} level={level} />
      </StackItem>
      {earlier.map((decision) => (
        <StackItem key={decision.id}>
          <ExpandableSection toggleText={t('earlier', { kind: t(`kind.${decision.kind}`), when: times.moment(decision.at) })} isIndented>
            <DecisionView decision={decision} timeZone={timeZone} level={level} />
          </ExpandableSection>
        </StackItem>
      ))}
    </Stack>
  );
}
