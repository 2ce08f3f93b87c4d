import { SearchInput, ToggleGroup, ToggleGroupItem } from '@patternfly/react-core';
import CheckCircleIcon from '@patternfly/react-icons/dist/esm/icons/check-circle-icon';
import ClockIcon from '@patternfly/react-icons/dist/esm/icons/clock-icon';
import ExclamationCircleIcon from '@patternfly/react-icons/dist/esm/icons/exclamation-circle-icon';
import PowerOffIcon from '@patternfly/react-icons/dist/esm/icons/power-off-icon';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { phases, type Phase } from './class-tile';

const icons = { failed: ExclamationCircleIcon, waiting: ClockIcon, running: CheckCircleIcon, off: PowerOffIcon } as const;
/** In the bar what runs comes first. */
const inBar: readonly Phase[] = ['running', 'waiting', 'off', 'failed'];

/** A bar of how the machines of a class stand. The words are beside it. */
export function ClassBar({ counts }: { readonly counts: Readonly<Record<Phase, number>> }): ReactNode {
  return (
    <div className="pv-teach-bar" aria-hidden>
      {inBar.map((phase) => counts[phase] > 0 && <span key={phase} data-phase={phase} style={{ flexGrow: counts[phase] }} />)}
    </div>
  );
}

interface ClassFilterProps {
  readonly counts: Readonly<Record<Phase, number>>;
  readonly phase: Phase | 'all';
  readonly onPhase: (phase: Phase | 'all') => void;
  readonly text: string;
  readonly onText: (text: string) => void;
}

/** Which tiles are shown: of a kind, and by name. Each kind says how many there are. */
export function ClassFilter({ counts, phase, onPhase, text, onText }: ClassFilterProps): ReactNode {
  const { t } = useTranslation('teach');
  const all = phases.reduce((sum, each) => sum + counts[each], 0);
  return (
    <div className="pv-teach-filter">
      <ToggleGroup aria-label={t('class.filter')} isCompact>
        <ToggleGroupItem text={t('class.all', { count: all })} isSelected={phase === 'all'} onChange={() => onPhase('all')} />
        {phases.map((each) => {
          const Icon = icons[each];
          return <ToggleGroupItem key={each} icon={<Icon />} text={t(`class.phase.${each}`, { count: counts[each] })} isSelected={phase === each} onChange={() => onPhase(phase === each ? 'all' : each)} />;
        })}
      </ToggleGroup>
      <SearchInput className="pv-teach-search" aria-label={t('class.search')} placeholder={t('class.search')} value={text} onChange={(_event, value) => onText(value)} onClear={() => onText('')} />
    </div>
  );
}
