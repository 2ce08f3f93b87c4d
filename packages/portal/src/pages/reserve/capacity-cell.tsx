import { memo, type ReactNode } from 'react';
import type { Hour } from './days-of-hours';

interface CapacityCellProps {
  readonly hour: Hour;
  readonly total: number;
  /** Read out: day, hour, what is free. */
  readonly label: string;
  readonly selected: boolean;
  /** The one that Tab reaches. */
  readonly active: boolean;
  /** So much as is asked for is not free, unless others give way. */
  readonly short: boolean;
}

/** An hour of the table: free cores as a number over a bar of the whole pool; the lighter part is lent and comes back when reserved. */
export const CapacityCell = memo(function CapacityCell({ hour, total, label, selected, active, short }: CapacityCellProps): ReactNode {
  const share = (cores: number): string => `${total === 0 ? 0 : (Math.min(total, cores) / total) * 100}%`;
  const lent = Math.min(hour.lentVcpus, hour.freeVcpus);
  return (
    <td
      role="gridcell"
      className={`pv-hours__cell${selected ? ' pv-hours__cell--selected' : ''}${short ? ' pv-hours__cell--short' : ''}`}
      data-hour={hour.start}
      tabIndex={active ? 0 : -1}
      aria-selected={selected}
      aria-label={label}
    >
      <span className="pv-hours__number">{hour.freeVcpus}</span>
      <span className="pv-hours__bar">
        <span className="pv-hours__free" style={{ width: share(hour.freeVcpus - lent) }} />
        <span className="pv-hours__lent" style={{ width: share(lent) }} />
      </span>
    </td>
  );
});
