import { useTranslation } from 'react-i18next';
import type { Answered } from '@paravcl/shared/client/routes';

type RuleValue = Answered<'get /policy'>['sections'][number]['values'][number]['value'];

/** Says the value of an option as people read it. */
export function useRuleValue(): (value: RuleValue) => string {
  const { t, i18n } = useTranslation('fleet');
  return (value) => {
    if (value === null) return t('policy.none');
    if (typeof value === 'boolean') return t(value ? 'policy.yes' : 'policy.no');
    if (typeof value === 'number') return value.toLocaleString(i18n.language);
    if (typeof value === 'string') return value === '' ? t('policy.empty') : value;
    return value.length === 0 ? t('policy.empty') : value.join(', ');
  };
}
