import { Gallery, Title } from '@patternfly/react-core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate } from 'react-router';
import { ChoiceCard } from '../launch/choice-card';
import { launchAddress } from '../launch/choices';
import { useChoices } from '../launch/use-choices';

const mostShown = 6;

/** What one could start now: the first few, and the way to all. */
export function Startable(): ReactNode {
  const { t } = useTranslation('home');
  const navigate = useNavigate();
  const choices = useChoices();
  if (choices === null || choices.length === 0) return null;
  return (
    <section aria-labelledby="startable" className="pv-lines">
      <Title headingLevel="h2" id="startable">{t('startable')}</Title>
      <Gallery hasGutter minWidths={{ default: 'min(100%, 14rem)' }}>
        {choices.slice(0, mostShown).map((choice) => <ChoiceCard key={choice.id} choice={choice} onChoose={() => void navigate(launchAddress(choice))} />)}
      </Gallery>
      {choices.length > mostShown && <Link to="/launch">{t('allChoices', { count: choices.length })}</Link>}
    </section>
  );
}
