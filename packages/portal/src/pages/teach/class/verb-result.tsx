import { Alert, AlertActionCloseButton, Progress } from '@patternfly/react-core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { ProblemAlert } from '../../../states/problem-alert';
import type { ClassVerb } from './use-class-verb';

/** How far the asking is, and what came of it: how many accepted, and who refused with which sentence. */
export function VerbResultShown({ verb: { underWay, result, problem, clear } }: { readonly verb: ClassVerb }): ReactNode {
  const { t } = useTranslation('teach');
  if (underWay !== null) return underWay.of > 1 && underWay.answered > 0 ? <Progress aria-label={t(`verb.${underWay.verb}`)} value={underWay.answered} max={underWay.of} label={t('result.asked', { answered: underWay.answered, of: underWay.of })} title={t(`verb.${underWay.verb}`)} /> : null;
  if (problem !== null) return <ProblemAlert problem={problem} />;
  if (result === null) return null;
  const { verb, of, accepted, refused, notes } = result;
  const variant = refused.length === 0 ? 'success' : accepted === 0 ? 'danger' : 'warning';
  const title = refused.length === 0 ? t(`result.all.${verb}`, { count: accepted }) : t('result.some', { verb: t(`verb.${verb}`), accepted, of, count: refused.length });
  return (
    <Alert variant={variant} isInline isLiveRegion title={title} component="p" actionClose={<AlertActionCloseButton aria-label={t('close')} onClose={clear} />}>
      {notes.map((note) => <p key={note}>{note}</p>)}
      {refused.length > 0 && (
        <ul className="pv-teach-refusals">
          {refused.map(({ slot, title: whose, sentence }) => (
            <li key={slot}>
              <strong>{whose}</strong>: {sentence}
            </li>
          ))}
        </ul>
      )}
    </Alert>
  );
}
