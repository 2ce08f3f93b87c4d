import { noSizes, sizesOf, textsOf } from './sizes-typed';

test('what is left empty is left out, and one wrong number spoils all', () => {
  expect(sizesOf({ ...noSizes, vcpus: '2', minutes: ' 90 ' })).toEqual({ vcpus: 2, minutes: 90 });
  expect(sizesOf(noSizes)).toEqual({});
  expect(sizesOf({ ...noSizes, vcpus: '2', ramMiB: '2 GiB' })).toBeNull();
});

test('sizes go into their fields and come back', () => {
  const sizes = { vcpus: 2, ramMiB: 2048, diskMiB: null, bandwidthMbps: null, minutes: 90 };
  expect(textsOf(sizes)).toEqual({ vcpus: '2', ramMiB: '2048', diskMiB: '', bandwidthMbps: '', minutes: '90' });
  expect(sizesOf(textsOf(sizes))).toEqual({ vcpus: 2, ramMiB: 2048, minutes: 90 });
});
