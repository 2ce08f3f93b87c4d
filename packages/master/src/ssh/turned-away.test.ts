import { plainDisconnect } from './turned-away';

test.each(['', 'a', 'ab', 'abc', 'abcd', 'abcde', 'abcdef', 'abcdefg', 'Zu viele – später.'])('a disconnect with "%s" is a packet of whole blocks that says it', (sentence) => {
  const packet = plainDisconnect(sentence);
  const padding = packet.readUInt8(4);
  expect(packet.length % 8).toBe(0);
  expect(packet.readUInt32BE(0)).toBe(packet.length - 4);
  expect(padding).toBeGreaterThanOrEqual(4);
  expect(padding).toBeLessThan(12);
  expect([packet.readUInt8(5), packet.readUInt32BE(6)]).toEqual([1, 12]);
  const end = 14 + packet.readUInt32BE(10);
  expect(packet.subarray(14, end).toString()).toBe(sentence);
  // The language tag, and nothing but padding after it.
  expect(packet.readUInt32BE(end)).toBe(0);
  expect(packet.length - padding).toBe(end + 4);
});
