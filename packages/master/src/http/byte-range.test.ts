import { parseByteRange } from './byte-range';

test.each([
  ['bytes=0-', { first: 0, last: null }],
  ['bytes=5-9', { first: 5, last: 9 }],
  ['bytes=7-7', { first: 7, last: 7 }],
])('%s is one range', (header, range) => {
  expect(parseByteRange(header)).toEqual(range);
});

test.each([undefined, '', 'bytes=-5', 'bytes=9-5', 'bytes=0-1,3-4', 'lines=0-1', 'bytes=1e3-', 'bytes=0x1-', `bytes=${'9'.repeat(20)}-`])('%s is served whole', (header) => {
  expect(parseByteRange(header)).toBeNull();
});
