import { desiredStateSchema, observedStateSchema } from '@paravcl/shared/domain/instance-state';
import { stageOf, stages } from './stages';

test('every stage can be met, and what is as desired rests', () => {
  const met = new Set(desiredStateSchema.options.flatMap((desired) => observedStateSchema.options.map((observed) => stageOf({ desired, observed }))));
  for (const stage of stages) expect(met).toContain(stage);
  for (const desired of desiredStateSchema.options) expect(stageOf({ desired, observed: desired })).toBeNull();
});

test('a stage begins with the wish, before the slave says anything', () => {
  expect(stageOf({ desired: 'suspended', observed: 'running' })).toBe('suspending');
  expect(stageOf({ desired: 'running', observed: 'suspended' })).toBe('resuming');
  expect(stageOf({ desired: 'stopped', observed: 'running' })).toBe('stopping');
  expect(stageOf({ desired: 'deleted', observed: 'running' })).toBe('deleting');
});
