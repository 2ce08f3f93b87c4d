import type { DesiredInstance } from '@paravcl/shared/protocol/desired-instance';
import { maxFrameBytes, streamProtocolVersion } from '@paravcl/shared/protocol/version';

/** Envelope, brackets and the type's name; measured at about 110 bytes. */
const envelopeBytes = 512;
const maxInstances = 500;

/**
 * Splits desired states into lists of which each fits one `desired` frame, in their order. One instance
 * always fits: its spec is bounded by its schema to well below a frame.
 */
export function desiredBatches(instances: readonly DesiredInstance[], maxBytes = maxFrameBytes): readonly (readonly DesiredInstance[])[] {
  const batches: DesiredInstance[][] = [];
  let batch: DesiredInstance[] = [];
  let bytes = envelopeBytes;
  for (const instance of instances) {
    const size = Buffer.byteLength(JSON.stringify(instance)) + 1;
    if (batch.length > 0 && (bytes + size > maxBytes || batch.length === maxInstances)) {
      batches.push(batch);
      batch = [];
      bytes = envelopeBytes;
    }
    batch.push(instance);
    bytes += size;
  }
  if (batch.length > 0) batches.push(batch);
  return batches;
}

/** Without what an agent of this version could not read: it would understand nothing of the frame. It is told when it is updated. */
export function understoodBy(protocol: number, instances: readonly DesiredInstance[]): readonly DesiredInstance[] {
  return protocol >= streamProtocolVersion ? instances : instances.filter(({ desired }) => desired !== 'sent' && desired !== 'received');
}
