import type { History } from '@paravcl/shared/api/monitoring';
import { drawn, rowsOf } from './plot-data';

const history = (at: readonly number[]): History => {
  const values = at.map((_, index) => index);
  return { at: [...at], vcpusPromised: values, load1: values.map(() => null), ramPromisedMiB: values, ramUsedMiB: values, running: values, connections: values, users: values };
};

describe('what is drawn of the last hours', () => {
  it('is a line for each figure, broken where nothing was written down', () => {
    expect(drawn(history([0, 60, 120, 600]), ['running', 'load1'])).toEqual([[0, 60, 120, 121, 600], [0, 1, 2, null, 3], [null, null, null, null, null]]);
  });

  it('is not broken where points were thinned out', () => {
    expect(drawn(history([0, 240, 480]), ['running'])).toEqual([[0, 240, 480], [0, 1, 2]]);
    expect(drawn(history([]), ['running'])).toEqual([[], []]);
  });

  it('is also told in few rows, the newest first', () => {
    const rows = rowsOf(history(Array.from({ length: 100 }, (_, index) => index * 60)), ['running']);
    expect(rows).toHaveLength(20);
    expect(rows[0]).toEqual({ at: 5940, values: [99] });
    expect(rowsOf(history([]), ['running'])).toEqual([]);
  });
});
