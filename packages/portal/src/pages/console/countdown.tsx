import { useEffect, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

/** "It is tried again in 4 s." Not read out each second. */
export function Countdown({ untilMs }: { readonly untilMs: number }): ReactNode {
  const { t } = useTranslation('console');
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = window.setInterval(() => setNow(Date.now()), 250);
    return () => window.clearInterval(timer);
  }, []);
  const seconds = Math.max(1, Math.ceil((untilMs - now) / 1000));
  return <p aria-live="off">{t('again', { seconds })}</p>;
}
