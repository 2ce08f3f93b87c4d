import type { History } from '@paravcl/shared/api/monitoring';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import UPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { TimeWords } from '../../states/times';
import { plotColours, useThemeInForce } from './plot-colours';
import { drawn, steps, type Plot, type Value } from './plot-data';

interface HistoryPlotProps {
  readonly plot: Plot;
  readonly history: History;
  readonly times: TimeWords;
  readonly tell: (value: Value) => string;
}

const height = 180;
/** In seconds: whole minutes, as the clock below the plot tells no less. */
const timeSteps = [60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400] as const;
/** The second line differs by more than its colour. */
const dashes = [[], [6, 4]] as const;

/** The last hours as lines; below them in words what the newest point says, or the one under the pointer. */
export function HistoryPlot({ plot, history, times, tell }: HistoryPlotProps): ReactNode {
  const { t } = useTranslation('monitor');
  const theme = useThemeInForce();
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<UPlot | null>(null);
  const [pointed, setPointed] = useState<number | null>(null);
  const data = drawn(history, plot.figures);
  const words = useRef({ times, tell, data });
  words.current = { times, tell, data };

  useEffect(() => {
    const host = box.current;
    if (host === null) return;
    const colours = plotColours();
    const axis = { stroke: colours.text, grid: { stroke: colours.grid, width: 1 }, ticks: { stroke: colours.grid, width: 1 } };
    const made = new UPlot(
      {
        width: host.clientWidth,
        height,
        legend: { show: false },
        cursor: { drag: { x: false, y: false }, y: false },
        scales: { y: { range: (_chart, _least, most) => [0, Math.max(1, (most ?? 0) * 1.1)] } },
        axes: [
          { ...axis, incrs: [...timeSteps], values: (_chart, splits) => splits.map((at) => words.current.times.clock(new Date(at * 1000).toISOString())) },
          { ...axis, size: 72, incrs: [...steps[plot.unit]], values: (_chart, splits) => splits.map((value) => words.current.tell(value)) },
        ],
        series: [{}, ...plot.figures.map((_, index) => ({ stroke: colours.lines[index] ?? colours.text, width: 2, dash: [...(dashes[index] ?? [])], points: { show: false } }))],
        hooks: { setCursor: [({ cursor }) => setPointed(cursor.idx ?? null)] },
      },
      words.current.data,
      host,
    );
    chart.current = made;
    const resized = new ResizeObserver(() => made.setSize({ width: host.clientWidth, height }));
    resized.observe(host);
    return () => {
      resized.disconnect();
      made.destroy();
      chart.current = null;
    };
  }, [plot, theme]);
  useEffect(() => chart.current?.setData(words.current.data), [history]);

  const [at, ...lines] = data;
  const index = pointed ?? at.length - 1;
  const said = plot.figures.map((figure, which) => t('plot.said', { what: t(`figure.${figure}`), value: tell(lines[which]?.[index]) }));
  const when = at[index] === undefined ? '' : times.moment(new Date(at[index] * 1000).toISOString());
  return (
    <>
      <div ref={box} className="pv-monitor-plot" role="img" aria-label={t('plot.label', { title: t(`plot.${plot.name}`), when, said: said.join(', ') })} />
      <ul className="pv-monitor-legend" aria-hidden="true">
        {said.map((each, which) => (
          <li key={each}><span className={which === 0 ? 'pv-monitor-line' : 'pv-monitor-line pv-monitor-dashed'} />{each}</li>
        ))}
        <li>{when}</li>
      </ul>
    </>
  );
}
