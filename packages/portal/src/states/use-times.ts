import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { timeWords, type TimeWords } from './times';

/** Moments in the language of the page, in the site's zone. */
export function useTimes(timeZone: string = Intl.DateTimeFormat().resolvedOptions().timeZone): TimeWords {
  const { t, i18n } = useTranslation('shell');
  return useMemo(() => timeWords(i18n.language, timeZone, Date.now, t('today')), [i18n.language, timeZone, t]);
}
