/** A line of a plot. Points in the order in which they are joined. */
export interface Series {
  readonly name: string;
  readonly colour: string;
  readonly dashed?: boolean;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Plot {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
}

export interface Axis {
  readonly label: string;
  readonly scale: 'linear' | 'logarithmic';
  /** Where lines and numbers stand; the first and the last are the ends. */
  readonly marks: readonly number[];
  /** What stands at a mark; absent: its number. */
  readonly tell?: ((mark: number) => string) | undefined;
}

const width = 720;
const height = 420;
const frame = { left: 70, right: 190, top: 44, bottom: 54 } as const;

/** Where a value lies on an axis, from 0 to 1; beyond its ends it is at an end. */
export function placeOn({ scale, marks }: Axis, value: number): number {
  const [low, high] = [marks[0] ?? 0, marks.at(-1) ?? 1];
  const bounded = Math.min(Math.max(value, low), high);
  return scale === 'linear' ? (bounded - low) / (high - low) : Math.log(bounded / low) / Math.log(high / low);
}

/** The plot as SVG: numbers in the text are the plotted ones, so that a reader of the file sees them. */
export function svgPlot({ title, x, y, series }: Plot): string {
  const inner = { width: width - frame.left - frame.right, height: height - frame.top - frame.bottom };
  const at = (px: number, py: number): readonly [number, number] => [round(frame.left + placeOn(x, px) * inner.width), round(frame.top + (1 - placeOn(y, py)) * inner.height)];
  const [xLow, yLow, xHigh] = [x.marks[0] ?? 0, y.marks[0] ?? 0, x.marks.at(-1) ?? 1];
  const told = ({ tell = String }: Axis, mark: number): string => escaped(tell(mark));
  const horizontal = y.marks.map((mark) => {
    const [left, top] = at(xLow, mark);
    return `<path d="M${String(left)} ${String(top)}H${String(at(xHigh, mark)[0])}" stroke="#ddd"/><text x="${String(left - 8)}" y="${String(top + 4)}" text-anchor="end">${told(y, mark)}</text>`;
  });
  const vertical = x.marks.map((mark) => {
    const [left, top] = at(mark, yLow);
    return `<path d="M${String(left)} ${String(frame.top)}V${String(top)}" stroke="#eee"/><text x="${String(left)}" y="${String(top + 18)}" text-anchor="middle">${told(x, mark)}</text>`;
  });
  const lines = series.map(({ name, colour, dashed, points }) => {
    const path = points.map(([px, py], index) => `${index === 0 ? 'M' : 'L'}${at(px, py).join(' ')}`).join('');
    const said = points.length > 12 ? '' : points.map(([px, py]) => `${String(px)}: ${String(round(py))}`).join(', ');
    const dots = points.length > 12 ? '' : points.map(([px, py]) => `<circle cx="${String(at(px, py)[0])}" cy="${String(at(px, py)[1])}" r="3" fill="${colour}"/>`).join('');
    return `<g><title>${escaped(name)}${said === '' ? '' : ` (${said})`}</title><path d="${path}" fill="none" stroke="${colour}" stroke-width="2"${dashed === true ? ' stroke-dasharray="6 4"' : ''}/>${dots}</g>`;
  });
  const names = series.map(({ name, colour }, index) => `<text x="${String(width - frame.right + 12)}" y="${String(frame.top + 12 + 20 * index)}" fill="${colour}">${escaped(name)}</text>`);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${String(width)} ${String(height)}" font-family="sans-serif" font-size="12">`,
    `<rect width="${String(width)}" height="${String(height)}" fill="white"/>`,
    `<text x="${String(frame.left)}" y="24" font-size="15">${escaped(title)}</text>`,
    ...horizontal,
    ...vertical,
    ...lines,
    ...names,
    `<text x="${String(frame.left + inner.width / 2)}" y="${String(height - 12)}" text-anchor="middle">${escaped(x.label)}</text>`,
    `<text transform="translate(18 ${String(frame.top + inner.height / 2)}) rotate(-90)" text-anchor="middle">${escaped(y.label)}</text>`,
    '</svg>\n',
  ].join('\n');
}

const round = (value: number): number => Math.round(value * 10) / 10;
const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
