import { gzipSync } from 'node:zlib';
import { slave, world } from '../core/small-world.model';
import { KeptInputs } from './kept-inputs';

const whole = { at: 1, policy: 'para/para', waiting: [], snapshot: world([slave('lab-1'), slave('lab-2')]) };
const step = { after: 'keyframe', at: 2, policy: 'para/para', lastPlacedOn: 'lab-2', waiting: [], slaves: [], joined: [], gone: ['lab-1'] };
const reader = (rows: Readonly<Record<string, unknown>>): KeptInputs =>
  new KeptInputs({ inputs: (hash) => Promise.resolve(hash in rows ? gzipSync(JSON.stringify(rows[hash])) : null) });

test('what was kept whole is answered as it is, a reservation’s too', async () => {
  const reservation = { at: 1, world: whole.snapshot, held: [], request: null };
  const kept = reader({ keyframe: whole, reservation });
  expect([await kept.of('keyframe'), await kept.of('reservation'), await kept.of('none')]).toEqual([whole, reservation, null]);
});

test('a step is put on what it leads back to', async () => {
  const read = await reader({ keyframe: whole, step }).of('step');
  expect(read).toEqual({ at: 2, policy: 'para/para', waiting: [], snapshot: { ...whole.snapshot, slaves: [whole.snapshot.slaves[1]], lastPlacedOn: 'lab-2' } });
});

test('a step of another version, or on something of another version, is answered as it is', async () => {
  const older = { ...step, joined: [{ slaveId: 'lab-2', guest: 'somebody' }] };
  expect(await reader({ keyframe: whole, older }).of('older')).toEqual(older);
  expect(await reader({ keyframe: { at: 1, world: whole.snapshot }, step }).of('step')).toEqual(step);
  expect(await reader({ keyframe: { ...whole, snapshot: { hosts: [] } }, step }).of('step')).toEqual(step);
});

test('steps that lead round in a circle are not kept', async () => {
  expect(await reader({ one: { ...step, after: 'other' }, other: { ...step, after: 'one' } }).of('one')).toBeNull();
});
