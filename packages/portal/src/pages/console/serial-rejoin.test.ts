import { endOf, goesOn } from './serial-rejoin';

const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text));
const text = (of: Uint8Array | null): string | null => (of === null ? null : Buffer.from(of).toString());
const lines = (from: number, to: number): string => Array.from({ length: to - from }, (_none, index) => `[${from + index}] a line of the kernel\n`).join('');

describe('a serial console that comes back', () => {
  it('goes on after what was shown, with nothing twice', () => {
    const seen = endOf(bytes(lines(0, 90)), bytes(lines(90, 100)));
    expect(text(goesOn(seen, bytes(lines(50, 120))))).toBe(lines(100, 120));
    expect(text(goesOn(seen, bytes(lines(50, 100))))).toBe('');
  });

  it('cannot say it when so much was printed meanwhile that the end of what was shown is gone', () => {
    expect(goesOn(bytes(lines(0, 100)), bytes(lines(150, 200)))).toBeNull();
  });

  it('cannot say it before enough has come', () => {
    const seen = endOf(bytes(''), bytes(lines(0, 100)));
    expect(goesOn(seen, bytes(lines(50, 90)))).toBeNull();
  });

  it('shows everything where nothing was shown', () => {
    expect(text(goesOn(bytes(''), bytes('login: ')))).toBe('login: ');
  });

  it('looks for all that was shown when that is little', () => {
    expect(text(goesOn(bytes('GRUB\n'), bytes('GRUB\nLinux\n')))).toBe('Linux\n');
  });

  it('keeps no more of the end than it looks for', () => {
    expect(endOf(bytes(lines(0, 1000)), bytes('$ ')).length).toBe(512);
    expect(text(endOf(bytes('ab'), bytes('c')))).toBe('abc');
  });
});
