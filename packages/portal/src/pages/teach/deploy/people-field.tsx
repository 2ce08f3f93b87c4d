import { Checkbox, FormGroup, Radio } from '@patternfly/react-core';
import type { UseQueryResult } from '@tanstack/react-query';
import type { User } from '@paravcl/shared/domain/people';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { ApiProblem } from '@paravcl/shared/client/api-problem';
import { Read } from '../../../states/read';

interface PeopleFieldProps {
  readonly of: UseQueryResult<readonly User[], ApiProblem>;
  /** Ids; null: everybody. */
  readonly chosen: ReadonlySet<string> | null;
  readonly onChange: (chosen: ReadonlySet<string> | null) => void;
}

/** Everybody of the group, or some of them. Who cannot log in gets no machine, and is said. */
export function PeopleField({ of, chosen, onChange }: PeopleFieldProps): ReactNode {
  const { t, i18n } = useTranslation('teach');
  return (
    <Read of={of}>
      {(all) => {
        const able = all.filter(({ disabled }) => !disabled).sort((a, b) => a.displayName.localeCompare(b.displayName, i18n.language));
        const toggle = (id: string, isIn: boolean): void => onChange(new Set(isIn ? [...(chosen ?? []), id] : [...(chosen ?? [])].filter((one) => one !== id)));
        return (
          <FormGroup role="radiogroup" label={t('deploy.people')} fieldId="deploy-people">
            <Radio id="deploy-all" name="deploy-people" label={t('deploy.everybody', { count: able.length })} isChecked={chosen === null} onChange={() => onChange(null)} />
            <Radio id="deploy-some" name="deploy-people" label={t('deploy.some')} isChecked={chosen !== null} onChange={() => onChange(new Set())} />
            {able.length < all.length && <p className="pv-teach-quiet">{t('deploy.left', { count: all.length - able.length })}</p>}
            {chosen !== null && (
              <div className="pv-teach-people" role="group" aria-label={t('deploy.some')} tabIndex={0}>
                {able.map(({ id, displayName, name }) => <Checkbox key={id} id={`deploy-user-${id}`} label={`${displayName} (${name})`} isChecked={chosen.has(id)} onChange={(_event, isIn) => toggle(id, isIn)} />)}
              </div>
            )}
          </FormGroup>
        );
      }}
    </Read>
  );
}
