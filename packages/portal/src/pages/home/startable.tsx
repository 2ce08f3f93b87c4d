import { Gallery, Title } from '@patternfly/react-core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate } from 'react-router';
import { useGet } from '../../api/use-api';
import { ChoiceCard } from '../launch/choice-card';
import { launchAddress, smallestOf } from '../launch/choices';
import { useChoices } from '../launch/use-choices';
import { runs } from '../launch/wish';

const mostShown = 6;

/** What one could launch: the first few, and the way to all; that the smallest of them would wait, and why, where it would. */
export function Startable(): ReactNode {
  const { t } = useTranslation('home');
  const navigate = useNavigate();
  const choices = useChoices();
  const smallest = smallestOf(choices ?? []);
  // One question for all of them: a page that many have open is not to have every one of them planned.
  const { data: said } = useGet('pool', 'get /launch-options', { query: smallest === null ? {} : runs(smallest) }, { enabled: smallest !== null });
  if (choices === null || choices.length === 0) return null;
  return (
    <section aria-labelledby="startable" className="pv-lines">
      <Title headingLevel="h2" id="startable">{t('startable')}</Title>
      {smallest !== null && said?.fitsNow === false && <p role="status">{[t('wouldWait', { name: smallest.name }), said.sentence].filter((part) => part !== null).join(' ')}</p>}
      <Gallery hasGutter minWidths={{ default: 'min(100%, 14rem)' }}>
        {choices.slice(0, mostShown).map((choice) => <ChoiceCard key={choice.id} choice={choice} onChoose={() => void navigate(launchAddress(choice))} />)}
      </Gallery>
      {choices.length > mostShown && <Link to="/launch">{t('allChoices', { count: choices.length })}</Link>}
    </section>
  );
}
