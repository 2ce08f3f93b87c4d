import { Bullseye, Spinner } from '@patternfly/react-core';
import { useEffect, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

const shownAfterMs = 300;
const slowAfterMs = 8_000;

/** While something is read for the first time: nothing for a moment, then a spinner, then words when it takes long. */
export function Loading(): ReactNode {
  const { t } = useTranslation('shell');
  const [waited, setWaited] = useState<'moment' | 'while' | 'long'>('moment');
  useEffect(() => {
    const timers = [window.setTimeout(() => setWaited('while'), shownAfterMs), window.setTimeout(() => setWaited('long'), slowAfterMs)];
    return () => timers.forEach((timer) => window.clearTimeout(timer));
  }, []);
  if (waited === 'moment') return null;
  return (
    <Bullseye>
      <div className="pv-loading" role="status">
        <Spinner aria-label={t('loading')} />
        {waited === 'long' && <p>{t('loadingLong')}</p>}
      </div>
    </Bullseye>
  );
}
