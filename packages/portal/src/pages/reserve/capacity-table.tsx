import './reserve.css';
import { useMemo, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { CapacityCell } from './capacity-cell';
import { hasRoom, rowsOf, type Day, type Hour, type Need } from './days-of-hours';
import { isWithin, type Span } from './span';
import { useSpanPicking } from './use-span-picking';
import { dateLocale } from '../../states/times';
import { beginOf, hourMs, wallAt } from '../../states/zone-time';

interface CapacityTableProps {
  /** All days between which the arrow keys move. */
  readonly days: readonly Day[];
  /** Those that are shown: all, or one where the window is narrow. */
  readonly shown: readonly Day[];
  readonly timeZone: string;
  readonly total: number;
  readonly span: Span | null;
  /** What is asked for, as far as it is known. */
  readonly need: Need | null;
  readonly onSpan: (span: Span) => void;
  /** The keyboard has gone to another day. */
  readonly onDate: (date: string) => void;
}

/** Free room as days × hours. A span is dragged, or its first and last hour are pressed; by keyboard with Shift and arrows, or Enter on both. */
export function CapacityTable({ days, shown, timeZone, total, span, need, onSpan, onDate }: CapacityTableProps): ReactNode {
  const { t, i18n } = useTranslation('reserve');
  const rows = useMemo(() => rowsOf(shown), [shown]);
  const format = useMemo(() => {
    const at = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(dateLocale(i18n.language), { timeZone, ...options });
    return { weekday: at({ weekday: 'short' }), date: at({ day: 'numeric', month: 'short' }), long: at({ weekday: 'long', day: 'numeric', month: 'long' }) };
  }, [i18n.language, timeZone]);
  const { active, picking, table, handlers } = useSpanPicking({ days, shown, span, onSpan, onDate });
  const labelOf = (hour: Hour): string =>
    [
      t('table.cell', { day: format.long.format(hour.start), from: hour.clock, to: wallAt(hour.start + hourMs, timeZone).time, free: hour.freeVcpus, total }),
      hour.lentVcpus > 0 ? t('table.lent', { count: hour.lentVcpus }) : '',
      t('table.largest', { count: hour.largestVcpus }),
    ].filter((part) => part !== '').join(' ');
  return (
    <>
      <table role="grid" className="pv-hours" aria-label={t('table.label')} aria-multiselectable="true" aria-describedby="hours-how" ref={table} {...handlers}>
        <thead>
          <tr>
            <th scope="col"><span className="pf-v6-screen-reader">{t('table.hour')}</span></th>
            {shown.map(({ date, hours }) => {
              const at = hours[0]?.start ?? beginOf(date, timeZone);
              return <th scope="col" key={date}>{format.weekday.format(at)} <span className="pv-hours__date">{format.date.format(at)}</span></th>;
            })}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ clock, again, cells }) => (
            <tr key={`${clock} ${again}`}>
              <th scope="row">{again === 1 ? t('table.again', { clock }) : clock}</th>
              {cells.map((cell, day) =>
                typeof cell === 'string' ? (
                  <td role="gridcell" className="pv-hours__blank" key={shown[day]?.date} aria-disabled="true"><span className="pf-v6-screen-reader">{t(`table.${cell}`)}</span></td>
                ) : (
                  <CapacityCell
                    key={shown[day]?.date} hour={cell} total={total} label={labelOf(cell)}
                    selected={span !== null && isWithin(span, cell.start)} active={cell.start === active} short={need !== null && !hasRoom(cell, need)}
                  />
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
      <p id="hours-how" className="pv-hours__how">{t(picking ? 'table.last' : 'table.how')}</p>
    </>
  );
}
