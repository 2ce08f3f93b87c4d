import { useEffect, useState } from 'react';
import { nextLookMs, timeLeft, type TimeLeft } from './time-left';

/** What is left of a machine's time, as it goes by. */
export function useTimeLeft(endsAt: string | null): TimeLeft | null {
  const [now, setNow] = useState(() => Date.now());
  const left = timeLeft(endsAt, now);
  useEffect(() => {
    const fresh = timeLeft(endsAt, Date.now());
    if (fresh === null) return;
    const timer = window.setTimeout(() => setNow(Date.now()), nextLookMs(fresh));
    return () => window.clearTimeout(timer);
  }, [endsAt, now]);
  return left;
}
