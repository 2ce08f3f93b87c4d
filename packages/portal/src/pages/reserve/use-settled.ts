import { useEffect, useState } from 'react';

/** A value once it has not changed for so long: what follows typing waits for the end of the word. */
export function useSettled<Value>(value: Value, key: string, ms: number): Value {
  const [settled, setSettled] = useState({ value, key });
  useEffect(() => {
    const timer = window.setTimeout(() => setSettled({ value, key }), ms);
    return () => window.clearTimeout(timer);
    // The key stands for the value.
  }, [key, ms]);
  return settled.value;
}
