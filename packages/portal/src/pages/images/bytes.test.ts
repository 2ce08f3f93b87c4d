import { tellBytes } from './bytes';

it('tells bytes as people say them', () => {
  expect([0, 2048, 1.5 * 1024 ** 2, 74.2 * 1024 ** 2, 2.4 * 1024 ** 3].map(tellBytes)).toEqual(['0 B', '2 KiB', '1.5 MiB', '74 MiB', '2.4 GiB']);
});
