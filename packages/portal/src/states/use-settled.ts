import { useEffect, useState } from 'react';

/** A value once it has not changed for a moment, so that a question is not asked at every key. */
export function useSettled<T>(value: T, afterMs = 350): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = window.setTimeout(() => setSettled(value), afterMs);
    return () => window.clearTimeout(timer);
  }, [value, afterMs]);
  return settled;
}
