import { gibOf, mibTyped } from './gib';

describe('a size as it is typed in GiB', () => {
  it('is taken with a point or a comma', () => {
    expect(['2', ' 0,5 ', '1.25', '0', '.5', '2.', '0.0625'].map(mibTyped)).toEqual([2048, 512, 1280, 0, 512, 2048, 64]);
  });

  it('is none when it is no number', () => {
    expect(['', '.', ',', '2 GiB', '-1', '1e3', '1.2.3', '9999999'].map(mibTyped)).toEqual([null, null, null, null, null, null, null, null]);
  });

  it('comes back as it was', () => {
    expect([0, 512, 2048, 5000].map((mib) => mibTyped(gibOf(mib)))).toEqual([0, 512, 2048, 5000]);
  });
});
