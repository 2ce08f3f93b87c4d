import { demoNetwork } from './demo-network';

test('a second demo takes a network beside the first one’s, with another bridge and range', () => {
  const first = demoNetwork(['default']);
  const second = demoNetwork(['default', first.name]);
  expect(first.name).toBe('paravcl-demo');
  for (const key of ['name', 'bridge', 'cidr'] as const) expect(second[key]).not.toBe(first[key]);
});

test('the eleventh demo is refused with the way out', () => {
  const names: string[] = [];
  for (let n = 0; n < 10; n += 1) names.push(demoNetwork(names).name);
  expect(() => demoNetwork(names)).toThrow(/--stop/);
});
