import { mayReload } from './upgrade';

describe('the reload after an upgrade', () => {
  const now = 1_800_000_000_000;

  it('is made when there was none yet', () => {
    expect(mayReload(null, now)).toBe(true);
  });

  it('is not made twice within a minute', () => {
    expect(mayReload(String(now - 59_000), now)).toBe(false);
    expect(mayReload(String(now - 61_000), now)).toBe(true);
  });

  it('is made when what was kept is no time', () => {
    expect(mayReload('yesterday', now)).toBe(true);
  });
});
