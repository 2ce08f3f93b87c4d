import { isHostSilent } from './host-silent';

test('only what ran on a host that is silent now is in doubt', () => {
  expect(isHostSilent({ observed: 'running', reason: { code: 'SlaveOffline' } })).toBe(true);
  expect(isHostSilent({ observed: 'running', reason: null })).toBe(false);
  expect(isHostSilent({ observed: 'running', reason: { code: 'SlaveRefused' } })).toBe(false);
  expect(isHostSilent({ observed: 'lost', reason: { code: 'SlaveOffline' } })).toBe(false);
});
