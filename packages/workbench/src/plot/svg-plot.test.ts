import { placeOn, svgPlot } from './svg-plot';

const linear = { label: 'x', scale: 'linear', marks: [0, 5, 10] } as const;
const logarithmic = { label: 'y', scale: 'logarithmic', marks: [1, 10, 100] } as const;

describe('a plot', () => {
  it('places values on both kinds of axes, and those beyond at the ends', () => {
    expect(placeOn(linear, 5)).toBe(0.5);
    expect(placeOn(logarithmic, 10)).toBeCloseTo(0.5);
    expect(placeOn(logarithmic, 1000)).toBe(1);
    expect(placeOn(linear, -1)).toBe(0);
  });

  it('says its numbers, and keeps marks of the text apart from its own', () => {
    const svg = svgPlot({ title: 'a < b', x: linear, y: logarithmic, series: [{ name: 'ours & theirs', colour: 'green', points: [[0, 1], [10, 100]] }] });
    expect(svg).toContain('<title>ours &amp; theirs (0: 1, 10: 100)</title>');
    expect(svg).toContain('a &lt; b');
    expect(svg).toContain('M70 366L530 44');
  });
});
