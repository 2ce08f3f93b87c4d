import { cpuSeconds, cpuSecondsOf } from './measured-process';

test('processor time is read after a command name with blanks and brackets', () => {
  const stat = '4242 (node (main) x) S 1 4242 4242 0 -1 4194304 5000 0 3 0 1234 766 0 0 20 0 11 0 99 1000 200';
  expect(cpuSecondsOf(stat)).toBe(20);
});

test('this process has used some', async () => {
  expect(await cpuSeconds(process.pid)).toBeGreaterThan(0);
});
