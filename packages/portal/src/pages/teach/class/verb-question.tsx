import { Checkbox, Form } from '@patternfly/react-core';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Confirm } from '../../../states/confirm';
import { TextField } from '../../../states/text-field';
import type { VerbOptions } from './class-asking';
import { titleOf } from './class-tile';
import type { Verb, VerbTarget } from './class-verbs';

interface VerbQuestionProps {
  readonly verb: Verb;
  readonly target: VerbTarget;
  /** Of the deployment. */
  readonly name: string;
  readonly onAsk: (options: VerbOptions) => void;
  readonly onClose: () => void;
}

const namedAtMost = 5;

/** Before something is lost: how many machines, whose, what goes and what stays. */
export function VerbQuestion({ verb, target, name, onAsk, onClose }: VerbQuestionProps): ReactNode {
  const { t } = useTranslation('teach');
  const [options, setOptions] = useState<VerbOptions>({});
  const count = target.tiles.length;
  const title = count === 1 ? t(`question.${verb}.titleOne`, { name: titleOf(target.tiles[0] ?? { person: null, name, slot: 1 }) }) : t(`question.${verb}.title`, { count });
  const named = target.tiles.slice(0, namedAtMost).map(titleOf).join(', ');
  return (
    <Confirm title={title} verb={t(`question.${verb}.verb`, { count })} isDanger={verb === 'reset' || verb === 'delete'} onClose={onClose} onConfirm={() => onAsk(options)}>
      <div className="pv-teach-stack">
        {count > 1 && <p>{target.isWhole ? t('question.whole', { name, count }) : count > namedAtMost ? t('question.namedMore', { named, count: count - namedAtMost }) : named}</p>}
        <p>{t(`question.${verb}.body`)}</p>
        {verb === 'delete' && target.isWhole && <p>{t('question.delete.whole', { name })}</p>}
        {verb === 'stop' && <Checkbox id="verb-force" label={t('question.stop.force')} description={t('question.stop.forceHelp')} isChecked={options.force === true} onChange={(_event, force) => setOptions({ force })} />}
        {verb === 'reset' && <Checkbox id="verb-production" label={t('question.reset.production')} description={t('question.reset.productionHelp')} isChecked={options.toProduction === true} onChange={(_event, toProduction) => setOptions({ toProduction })} />}
        {verb === 'snapshot' && (
          <Form onSubmit={(event) => { event.preventDefault(); onAsk(options); }}>
            <TextField label={t('question.snapshot.name')} value={options.name ?? ''} onChange={(said) => setOptions({ ...options, name: said })} help={t('question.snapshot.nameHelp')} />
            <Checkbox id="verb-ram" label={t('question.snapshot.ram')} description={t('question.snapshot.ramHelp')} isChecked={options.ram === true} onChange={(_event, ram) => setOptions({ ...options, ram })} />
          </Form>
        )}
      </div>
    </Confirm>
  );
}
