import { typedUntilLeft } from './leave-key';

it('hands everything to the guest but the key that leaves and what was typed after it', () => {
  expect(typedUntilLeft(Buffer.from('ls\r\x03\x04'))).toEqual({ forGuest: Buffer.from('ls\r\x03\x04'), left: false });
  expect(typedUntilLeft(Buffer.from('ab\x1dcd'))).toEqual({ forGuest: Buffer.from('ab'), left: true });
  expect(typedUntilLeft(Buffer.from('\x1d'))).toEqual({ forGuest: Buffer.alloc(0), left: true });
});
