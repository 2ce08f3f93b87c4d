import { Label, Stack, StackItem, Title, type LabelProps } from '@patternfly/react-core';
import ArrowRightIcon from '@patternfly/react-icons/dist/esm/icons/arrow-right-icon';
import CalendarCheckIcon from '@patternfly/react-icons/dist/esm/icons/calendar-check-icon';
import CheckCircleIcon from '@patternfly/react-icons/dist/esm/icons/check-circle-icon';
import ClockIcon from '@patternfly/react-icons/dist/esm/icons/clock-icon';
import PauseCircleIcon from '@patternfly/react-icons/dist/esm/icons/pause-circle-icon';
import PlayCircleIcon from '@patternfly/react-icons/dist/esm/icons/play-circle-icon';
import TimesCircleIcon from '@patternfly/react-icons/dist/esm/icons/times-circle-icon';
import type { Decision } from '@paravcl/shared/domain/decision';
import type { ComponentType, ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { tellScore } from '../../states/numbers';
import { useTimes } from '../../states/use-times';
import { Candidates } from './candidates';
import { PriorityParts } from './priority-parts';
import { changesOf } from './what-would-change';

const looks: Readonly<Record<Decision['kind'], readonly [NonNullable<LabelProps['color']>, ComponentType]>> = {
  place: ['green', CheckCircleIcon],
  resume: ['green', PlayCircleIcon],
  reserve: ['green', CalendarCheckIcon],
  queue: ['orange', ClockIcon],
  move: ['blue', ArrowRightIcon],
  preempt: ['purple', PauseCircleIcon],
  refuse: ['red', TimesCircleIcon],
};

interface DecisionViewProps {
  readonly decision: Decision;
  readonly timeZone: string | undefined;
  /** Of the headings of its sections. */
  readonly level: 'h2' | 'h3';
}

/** One decision: its sentence first, then what it was made of, and what would have changed it. */
export function DecisionView({ decision, timeZone, level }: DecisionViewProps): ReactNode {
  const { t, i18n } = useTranslation('why');
  const times = useTimes(timeZone);
  const changes = changesOf(decision);
  const by = new Intl.NumberFormat(i18n.language, { minimumFractionDigits: 2, maximumFractionDigits: 2, signDisplay: 'always' });
  const [color, Icon] = looks[decision.kind];
  const { kind, at, sentence, priority, victims = [], offers = [] } = decision;
  const section = (title: string, content: ReactNode): ReactNode => (
    <StackItem>
      <Title headingLevel={level} size="md">{title}</Title>
      {content}
    </StackItem>
  );
  return (
    <Stack hasGutter>
      <StackItem>
        <Label color={color} icon={<Icon />} isCompact>{t(`kind.${kind}`)}</Label> <time dateTime={at}>{times.moment(at)}</time>
        <p className="pv-why__sentence">{sentence}</p>
      </StackItem>
      {changes.length > 0 && section(t('changes.title'), (
        <ul className="pv-why__list">
          {changes.map((change) => <li key={change.what}>{t(`changes.${change.what}`, { by: change.by === null ? '' : by.format(change.by) })}</li>)}
        </ul>
      ))}
      {priority !== null && section(t('parts.title'), <PriorityParts priority={priority} />)}
      {section(t('candidates.title'), <Candidates decision={decision} />)}
      {victims.length > 0 && section(t('victims.title'), (
        <ul className="pv-why__list">
          {victims.map(({ instanceId, pi, saveSeconds }) => <li key={instanceId}>{t('victims.one', { pi: tellScore(pi), count: Math.max(1, Math.round(saveSeconds)) })}</li>)}
        </ul>
      ))}
      {offers.length > 0 && section(t('offers.title'), (
        <ul className="pv-why__list">
          {offers.map((offer) => <li key={`${offer.kind} ${offer.start}`}>{t(`offers.${offer.kind}`, { when: times.moment(offer.start), until: times.moment(offer.end), count: offer.count, cores: offer.vcpus })}</li>)}
        </ul>
      ))}
      <StackItem>
        <small>{t('policy', { policy: decision.policy })}</small>
      </StackItem>
    </Stack>
  );
}
