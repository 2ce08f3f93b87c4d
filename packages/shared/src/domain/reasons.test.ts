import { foremostReason } from './reasons';

test('of several reasons the one highest in the list is shown, whatever their order', () => {
  const reasons = [{ code: 'NotEnoughCores' }, { code: 'SlaveOffline' }, { code: 'NoSlaveFits' }] as const;
  expect(foremostReason(reasons)?.code).toBe('NoSlaveFits');
  expect(foremostReason([...reasons].reverse())?.code).toBe('NoSlaveFits');
  expect(foremostReason([])).toBeUndefined();
});
