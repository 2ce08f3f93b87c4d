import { newId } from '@paravcl/shared/ids';
import type { DesiredInstance } from '@paravcl/shared/protocol/desired-instance';
import { encodeFrame } from '@paravcl/shared/protocol/envelope';
import { maxFrameBytes } from '@paravcl/shared/protocol/version';
import fc from 'fast-check';
import { desiredBatches, understoodBy } from './desired-batches';

const image = { imageId: newId(1), sha256: 'a'.repeat(64), sizeBytes: 1, format: 'raw' as const };
const withKeys = (keys: number): DesiredInstance => ({
  instanceId: newId(1),
  generation: 1,
  desired: 'running',
  spec: {
    name: 'i-x-1', vcpus: 1, ramMiB: 64, diskMiB: 64, disk: image, kernel: null, ramdisk: null, kernelArguments: '', mac: '00:16:3e:00:00:01', address: '10.0.0.2', bandwidthMbps: null,
    seed: { hostname: 'i-x-1', user: 'student', sshPublicKeys: Array.from({ length: keys }, () => 'k'.repeat(4096)) },
  },
});

test('every batch fits a frame, and together they are the whole set in its order', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20), { maxLength: 60 }), (sizes) => {
      const instances = sizes.map(withKeys);
      const batches = desiredBatches(instances);
      expect(batches.flat()).toEqual(instances);
      for (const batch of batches) expect(() => encodeFrame(1, newId(1), { type: 'desired', payload: { instances: [...batch] } })).not.toThrow();
    }),
    { numRuns: 50 },
  );
});

test('small states fill frames of 500; nothing makes no frame', () => {
  const tombstone: DesiredInstance = { instanceId: newId(1), generation: 2, desired: 'deleted', spec: null };
  expect(desiredBatches(Array.from({ length: 1001 }, () => tombstone)).map((batch) => batch.length)).toEqual([500, 500, 1]);
  expect(desiredBatches([])).toEqual([]);
  expect(maxFrameBytes).toBe(1024 * 1024);
});

test('what an agent of an earlier release could not read is kept from it, and nothing else', () => {
  const [first, second] = [withKeys(1), withKeys(2)];
  if (first?.spec == null || second?.spec == null) throw new Error('They have specs.');
  const sent: DesiredInstance = { instanceId: newId(1), generation: 2, desired: 'sent', migration: { id: newId(1), ticket: 't'.repeat(43), deadlineMs: 1000 }, spec: first.spec };
  const received: DesiredInstance = { instanceId: newId(1), generation: 2, desired: 'received', migration: { id: newId(1) }, spec: second.spec };
  expect(understoodBy(5, [first, sent, received])).toEqual([first]);
  expect(understoodBy(6, [first, sent, received])).toEqual([first, sent, received]);
});
