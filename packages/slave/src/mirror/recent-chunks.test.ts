import { RecentChunks } from './recent-chunks';

it('has the newest chunks, and no more bytes than it may', () => {
  const recent = new RecentChunks(30);
  for (let index = 0; index < 5; index += 1) recent.put('a', index, Buffer.alloc(10, index));
  expect([0, 1, 2, 3, 4].map((index) => recent.get('a', index)?.[0] ?? null)).toEqual([null, null, 2, 3, 4]);
  recent.put('a', 4, Buffer.alloc(10, 9));
  expect(recent.get('a', 4)?.[0]).toBe(4);
});

it('keeps images apart, and forgets one that is no longer here', () => {
  const recent = new RecentChunks(40);
  recent.put('a', 1, Buffer.alloc(10, 1));
  recent.put('b', 1, Buffer.alloc(10, 2));
  recent.forget('a');
  expect([recent.get('a', 1), recent.get('b', 1)?.[0]]).toEqual([null, 2]);
  for (let index = 2; index < 5; index += 1) recent.put('b', index, Buffer.alloc(10, index));
  expect(recent.get('b', 1)?.[0]).toBe(2);
});
