import { mibTyped, tellBytes, tellMiB } from './sizes';

it('takes sizes as people type them', () => {
  expect(['512', '512M', '2G', '1.5 GiB', '0,5g', '1T'].map(mibTyped)).toEqual([512, 512, 2048, 1536, 512, 1_048_576]);
  expect(['', 'G', '-1G', '1e3', '2 Gbit'].map(mibTyped)).toEqual([null, null, null, null, null]);
});

it('tells them in a unit that suits', () => {
  expect([tellMiB(512), tellMiB(1536), tellBytes(900), tellBytes(84 * 1024 * 1024)]).toEqual(['512 MiB', '1.5 GiB', '900 B', '84 MiB']);
});
