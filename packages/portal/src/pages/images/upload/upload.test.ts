import { formatOf } from './format-of';
import { mayGoOnByItself } from './may-go-on';

describe('an upload', () => {
  it('takes a file for what its name says', () => {
    expect(['a.qcow2', 'disk.RAW', 'b.img', 'noble'].map(formatOf)).toEqual(['qcow2', 'raw', 'raw', 'qcow2']);
  });

  it('goes on by itself after a broken connection and never after a refusal', () => {
    expect([0, 503, 409].map((status) => mayGoOnByItself({ status }))).toEqual([true, true, true]);
    expect([400, 403, 404, 413, 422].map((status) => mayGoOnByItself({ status }))).toEqual([false, false, false, false, false]);
  });
});
