import { Banner } from '@patternfly/react-core';
import { useEffect, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useGet } from '../api/use-api';
import { useFeedState } from '../feed/live';

/** A feed that is back within this time was worth no word. */
const saidAfterMs = 5_000;

/** Says that what is shown may be old, for as long as the master cannot be reached or does not tell of changes by itself. */
export function Connection(): ReactNode {
  const { t } = useTranslation('shell');
  const lost = useFeedState() === 'lost';
  const me = useGet('none', 'get /me', {});
  const [isLong, setLong] = useState(false);
  useEffect(() => {
    if (!lost) return undefined;
    const timer = window.setTimeout(() => setLong(true), saidAfterMs);
    return () => {
      window.clearTimeout(timer);
      setLong(false);
    };
  }, [lost]);
  const unreachable = (me.error ?? me.failureReason)?.status === 0;
  return (
    <div role="status" className="pv-connection">
      {lost && isLong && <Banner status={unreachable ? 'warning' : 'info'} screenReaderText="">{t(unreachable ? 'feedLost' : 'feedSlow')}</Banner>}
    </div>
  );
}
