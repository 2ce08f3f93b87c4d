import { Label, Title } from '@patternfly/react-core';
import ArrowRightIcon from '@patternfly/react-icons/dist/esm/icons/arrow-right-icon';
import CheckCircleIcon from '@patternfly/react-icons/dist/esm/icons/check-circle-icon';
import DisconnectedIcon from '@patternfly/react-icons/dist/esm/icons/disconnected-icon';
import ExclamationTriangleIcon from '@patternfly/react-icons/dist/esm/icons/exclamation-triangle-icon';
import TimesCircleIcon from '@patternfly/react-icons/dist/esm/icons/times-circle-icon';
import type { ReservationAnswer } from '@paravcl/shared/api/reservations';
import type { Offer } from '@paravcl/shared/domain/decision';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { ApiProblem } from '@paravcl/shared/client/api-problem';
import { useTimes } from '../../states/use-times';
import { PriorityParts } from '../why/priority-parts';
import { OfferCards } from './offer-cards';

export type Verdict = 'admitted' | 'moves' | 'refused' | 'wrong' | 'unasked';

const looks = {
  admitted: ['green', CheckCircleIcon],
  moves: ['blue', ArrowRightIcon],
  refused: ['red', TimesCircleIcon],
  wrong: ['orange', ExclamationTriangleIcon],
  unasked: ['grey', DisconnectedIcon],
} as const;

export function verdictOf(answer: ReservationAnswer | undefined, problem: ApiProblem | null): Verdict | null {
  if (problem !== null) return problem.status === 0 || problem.status >= 500 ? 'unasked' : problem.problem.offers === undefined ? 'wrong' : 'refused';
  if (answer === undefined) return null;
  return answer.admitted ? (answer.moves.length > 0 ? 'moves' : 'admitted') : 'refused';
}

interface AnswerProps {
  readonly answer: ReservationAnswer | undefined;
  readonly problem: ApiProblem | null;
  /** The form has changed since; the new answer is on its way. */
  readonly isOld: boolean;
  /** Nothing can be asked yet. */
  readonly isEmpty: boolean;
  readonly timeZone: string | undefined;
  readonly onTake: (offer: Offer) => void;
  /** What is done with it. */
  readonly children: ReactNode;
}

/** What the reservation in the form would come to: read out as it changes, with the parts of its priority and what one can have instead. */
export function Answer({ answer, problem, isOld, isEmpty, timeZone, onTake, children }: AnswerProps): ReactNode {
  const { t } = useTranslation('reserve');
  const times = useTimes(timeZone);
  const verdict = isEmpty ? null : verdictOf(answer, problem);
  const [color, Icon] = verdict === null ? ['grey' as const, null] : looks[verdict];
  const offers = problem?.problem.offers ?? (problem === null ? answer?.offers : undefined) ?? [];
  return (
    <>
      <div className="pv-answer" aria-live="polite" aria-busy={isOld} data-verdict={isOld ? 'asking' : (verdict ?? 'none')}>
        {verdict === null ? <p className="pv-answer__sentence">{t(isEmpty ? 'answer.empty' : 'answer.asking')}</p> : (
          <>
            <Label color={color} {...(Icon === null ? {} : { icon: <Icon /> })}>{t(`answer.${verdict}`, { count: answer?.moves.length ?? 0 })}</Label>{' '}
            {isOld && <span className="pv-answer__old">{t('answer.again')}</span>}
            <p className="pv-answer__sentence">{problem?.message ?? answer?.sentence}</p>
            {problem === null && answer !== undefined && answer.moves.length > 0 && (
              <ul className="pv-answer__moves">
                {answer.moves.map(({ reservationId, from, to }) => <li key={reservationId}>{t('answer.move', { from: times.moment(from), to: times.moment(to) })}</li>)}
              </ul>
            )}
          </>
        )}
        {!isEmpty && <OfferCards offers={offers} timeZone={timeZone} onTake={onTake} />}
      </div>
      {children}
      {!isEmpty && problem === null && answer !== undefined && (
        <div className="pv-answer__priority">
          <Title headingLevel="h3" size="md">{t('answer.priority')}</Title>
          <PriorityParts priority={answer.priority} />
        </div>
      )}
    </>
  );
}
