import type { ReactNode } from 'react';
import { percentOf } from './standing';

interface MeterProps {
  readonly part: number;
  readonly whole: number;
  /** "6 of 12 cores": it is read instead of the bar. */
  readonly words: string;
  /** What is used up: marked when little is left. */
  readonly isScarce?: boolean;
}

/** A part of a whole in words, with a thin bar below that only repeats them. */
export function Meter({ part, whole, words, isScarce = false }: MeterProps): ReactNode {
  const percent = percentOf(part, whole);
  return (
    <div className="pv-fleet-meter">
      <span>{words}</span>
      <span className="pv-fleet-bar" aria-hidden="true">
        <span className={isScarce && percent >= 90 ? 'pv-fleet-fill pv-fleet-full' : 'pv-fleet-fill'} style={{ inlineSize: `${percent}%` }} />
      </span>
    </div>
  );
}
