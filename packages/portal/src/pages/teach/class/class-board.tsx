import { Button, EmptyState, EmptyStateActions, EmptyStateBody, EmptyStateFooter, PageSection } from '@patternfly/react-core';
import type { Deployment } from '@paravcl/shared/domain/deployment';
import { useCallback, useEffect, useMemo, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { ClassActions } from './class-actions';
import { ClassFilter } from './class-progress';
import { ClassGrid } from './class-grid';
import { chooseAll, chooseUpTo, nothingChosen, stillThere, toggle } from './class-selection';
import { countPhases, type Phase, type Tile } from './class-tile';
import { askedFirst, targetOf, type Verb, type VerbTarget } from './class-verbs';
import { useClassExtras } from './use-class-extras';
import { useClassVerb } from './use-class-verb';
import { useShownTiles } from './use-shown-tiles';
import { VerbQuestion } from './verb-question';
import { VerbResultShown } from './verb-result';

/** The machines of a class with the one bar that acts on them. */
export function ClassBoard({ deployment, tiles, language }: { readonly deployment: Deployment; readonly tiles: readonly Tile[]; readonly language: string }): ReactNode {
  const { t } = useTranslation('teach');
  const [phase, setPhase] = useState<Phase | 'all'>('all');
  const [text, setText] = useState('');
  const [isHeld, setIsHeld] = useState(false);
  const [selection, setSelection] = useState(nothingChosen);
  // As it was when it was asked: what changes meanwhile is not meant.
  const [asks, setAsks] = useState<{ readonly verb: Verb; readonly target: VerbTarget } | null>(null);
  const verb = useClassVerb(deployment.id);
  const extras = useClassExtras(deployment, tiles);
  const shown = useShownTiles(tiles, phase, text, isHeld, language);
  const shownSlots = useMemo(() => shown.map(({ slot }) => slot), [shown]);
  useEffect(() => setSelection((now) => stillThere(now, new Set(tiles.map(({ slot }) => slot)))), [tiles]);
  const choose = useCallback((slot: number, isRange: boolean) => setSelection((now) => (isRange ? chooseUpTo(now, slot, shownSlots) : toggle(now, slot))), [shownSlots]);
  const { run } = verb;
  const { addAgain } = extras;
  const again = useCallback((tile: Tile) => void (tile.state === 'refused' ? addAgain(tile) : run('start', { tiles: [tile], isWhole: false })), [run, addAgain]);
  const chosen = tiles.filter(({ slot }) => selection.slots.has(slot));
  const target = targetOf(tiles, shown, chosen);
  const areAllShownChosen = shown.length > 0 && shown.every(({ slot }) => selection.slots.has(slot));
  const onVerb = (next: Verb): void => (askedFirst.has(next) ? setAsks({ verb: next, target }) : void run(next, target));
  return (
    <PageSection isFilled>
      <div className="pv-teach-stack">
        <ClassActions target={target} chosen={chosen.length} hidden={chosen.filter(({ slot }) => !shownSlots.includes(slot)).length} of={chosen.length === 0 ? shown.length : tiles.length} areAllShownChosen={areAllShownChosen} underWay={verb.underWay} onChooseAll={(isChosen) => setSelection(isChosen ? chooseAll(selection, shownSlots) : nothingChosen)} onVerb={onVerb} extras={extras.items} />
        <VerbResultShown verb={verb} />
        {extras.shown}
        <ClassFilter counts={countPhases(tiles)} phase={phase} onPhase={setPhase} text={text} onText={setText} />
        {tiles.some(({ state }) => state === 'running') && <p className="pv-teach-quiet">{t('class.consoleTold')}</p>}
        {shown.length === 0 ? (
          <EmptyState headingLevel="h2" titleText={t('class.noneFound')}>
            <EmptyStateBody>{t('class.noneFoundBody', { count: tiles.length })}</EmptyStateBody>
            <EmptyStateFooter>
              <EmptyStateActions>
                <Button variant="link" onClick={() => { setPhase('all'); setText(''); }}>{t('class.showAll')}</Button>
              </EmptyStateActions>
            </EmptyStateFooter>
          </EmptyState>
        ) : (
          <ClassGrid tiles={shown} chosen={selection.slots} isBusy={verb.underWay !== null} onChoose={choose} onAgain={again} onHold={setIsHeld} />
        )}
        {asks !== null && <VerbQuestion {...asks} name={deployment.name} onClose={() => setAsks(null)} onAsk={(options) => { setAsks(null); void run(asks.verb, asks.target, options); }} />}
      </div>
    </PageSection>
  );
}
