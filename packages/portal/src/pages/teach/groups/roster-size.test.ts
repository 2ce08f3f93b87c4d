import { largestRosterBytes as mastersLargest } from '@paravcl/shared/api/roster';
import { largestRosterBytes } from './roster-size';

test('a file is taken for a list up to the size that the master takes', () => {
  expect(largestRosterBytes).toBe(mastersLargest);
});
