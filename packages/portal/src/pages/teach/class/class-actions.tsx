import { Button, Checkbox, Divider, Dropdown, DropdownItem, DropdownList, MenuToggle } from '@patternfly/react-core';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { nextVerb, type Verb, type VerbTarget } from './class-verbs';
import type { ClassVerb } from './use-class-verb';

interface ClassActionsProps {
  readonly target: VerbTarget;
  readonly chosen: number;
  /** Of these, not shown by the filter. */
  readonly hidden: number;
  /** Of so many; with none chosen, those that are shown. */
  readonly of: number;
  readonly areAllShownChosen: boolean;
  readonly underWay: ClassVerb['underWay'];
  readonly onChooseAll: (isChosen: boolean) => void;
  readonly onVerb: (verb: Verb) => void;
  /** Things of the whole class, besides the verbs. */
  readonly extras: readonly { readonly key: string; readonly words: string; readonly onClick: () => void }[];
}

const direct = ['start', 'resume', 'suspend', 'stop'] as const;
const further = ['snapshot', 'reset', 'delete'] as const;

/** One bar for one machine, some, or all: nothing chosen means all. */
export function ClassActions({ target, chosen, hidden, of, areAllShownChosen, underWay, onChooseAll, onVerb, extras }: ClassActionsProps): ReactNode {
  const { t } = useTranslation('teach');
  const [isOpen, setIsOpen] = useState(false);
  const next = nextVerb(target.tiles);
  const isDisabled = underWay !== null || target.tiles.length === 0;
  const pick = (then: () => void) => (): void => {
    setIsOpen(false);
    then();
  };
  return (
    <div className="pv-teach-actions" role="group" aria-label={t('class.actions')}>
      <Checkbox id="choose-all" label={chosen === 0 ? t(target.isWhole ? 'class.forAll' : 'class.forShown', { count: of }) : t('class.forChosen', { count: chosen, of })} {...(hidden === 0 ? {} : { description: t('class.hidden', { count: hidden }) })} aria-label={t('class.chooseAll')} isChecked={areAllShownChosen ? true : chosen > 0 ? null : false} onChange={() => onChooseAll(!areAllShownChosen)} />
      <div className="pv-teach-verbs">
        {direct.map((verb) => (
          <Button key={verb} variant={verb === next ? 'primary' : 'secondary'} isDisabled={isDisabled} isLoading={underWay?.verb === verb} onClick={() => onVerb(verb)}>{t(`verb.${verb}`)}</Button>
        ))}
        <Dropdown
          isOpen={isOpen}
          onOpenChange={setIsOpen}
          onSelect={() => setIsOpen(false)}
          popperProps={{ position: 'right' }}
          toggle={(ref) => <MenuToggle ref={ref} isExpanded={isOpen} isDisabled={underWay !== null} onClick={() => setIsOpen(!isOpen)}>{t('class.more')}</MenuToggle>}
        >
          <DropdownList>
            {further.map((verb) => <DropdownItem key={verb} isDisabled={isDisabled} isDanger={verb !== 'snapshot'} onClick={pick(() => onVerb(verb))}>{t(`verb.${verb}`)}</DropdownItem>)}
            {extras.length > 0 && <Divider component="li" />}
            {extras.map(({ key, words, onClick }) => <DropdownItem key={key} onClick={pick(onClick)}>{words}</DropdownItem>)}
          </DropdownList>
        </Dropdown>
      </div>
    </div>
  );
}
