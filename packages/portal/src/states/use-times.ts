import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { timeWords, type TimeWords } from './times';

/** Moments in the language of the page, in the site's zone; while that is not known, in the browser's. */
export function useTimes(timeZone: string | undefined): TimeWords {
  const { t, i18n } = useTranslation('shell');
  return useMemo(() => timeWords(i18n.language, timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone, Date.now, t('today')), [i18n.language, timeZone, t]);
}
