import { sumOfClass } from './class-sum';

test('forty machines of two cores are eighty cores, of which those start at once for which cores and RAM are free', () => {
  expect(sumOfClass(40, { vcpus: 2, ramMiB: 2048 }, { vcpus: 46, ramMiB: 1024 * 1024 })).toEqual({ vcpus: 80, ramMiB: 80 * 1024, atOnce: 23 });
  expect(sumOfClass(40, { vcpus: 1, ramMiB: 2048 }, { vcpus: 46, ramMiB: 10 * 1024 }).atOnce).toBe(5);
});

test('no more start at once than were asked for, and nothing is said of what is not known', () => {
  expect(sumOfClass(3, { vcpus: 1, ramMiB: 512 }, { vcpus: 46, ramMiB: 999_999 }).atOnce).toBe(3);
  expect(sumOfClass(3, { vcpus: 1, ramMiB: 512 }, null).atOnce).toBeNull();
});
