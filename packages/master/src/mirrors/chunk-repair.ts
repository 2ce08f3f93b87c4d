import type { Clock } from '@paravcl/shared/clock';
import type { ChunkAnswer } from '@paravcl/shared/chunks/chunk-port';
import { chunkHash, chunkLength, isZeroChunk, chunkCount, type ManifestId } from '@paravcl/shared/chunks/manifest';
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { inflateRaw } from 'node:zlib';
import type { MirrorBooks } from '../services/mirror-fleet';
import type { ImageSpreadRegistry } from './image-spread-registry';
import type { ImageMember, SharedImage } from './shared-image';

const inflate = promisify(inflateRaw);

const answerWithinMs = 20_000;
const mirrorsAsked = 5;

export interface RepairParts {
  readonly clock: Clock;
  readonly registry: ImageSpreadRegistry;
  readonly books: Pick<MirrorBooks, 'gaveWrongBytes'>;
  readonly onFault: (error: unknown) => void;
}

/** Gets back from the mirrors what the master's own store has lost. */
export class ChunkRepair {
  constructor(private readonly parts: RepairParts) {}

  /** The chunk's bytes, their hash checked; null when no connected mirror that has the image open could give them. */
  async fetch(id: ManifestId, index: number): Promise<Buffer | null> {
    const image = this.parts.registry.find(id);
    if (image === null || index < 0 || index >= chunkCount(image.manifest) || isZeroChunk(image.manifest, index)) return null;
    for (const member of dedicatedFirst(image.withChunk(index)).slice(0, mirrorsAsked)) {
      const answer = await this.ask(member, index);
      if (answer.kind !== 'chunk') {
        image.unsent(member, index);
        continue;
      }
      const bytes = await checked(image, index, answer);
      if (bytes !== null) return bytes;
      this.wrong(member.presence.slaveId, id);
    }
    return null;
  }

  private async ask({ presence, channel }: ImageMember, index: number): Promise<ChunkAnswer> {
    const { number, answer } = presence.ask({ channel, index, urgent: false, insist: true });
    const cancelDeadline = this.parts.clock.after(answerWithinMs, () => presence.cancel(number));
    const found = await answer;
    cancelDeadline();
    return found;
  }

  private wrong(slaveId: string, id: ManifestId): void {
    if (this.parts.registry.faults.caught(slaveId)) this.parts.books.gaveWrongBytes(slaveId, id, null).catch(this.parts.onFault);
  }
}

/** A volunteer's machine may be off at any moment, or silent on purpose. */
function dedicatedFirst(members: readonly ImageMember[]): readonly ImageMember[] {
  return [...members].sort((one, other) => Number(one.presence.volunteer) - Number(other.presence.volunteer));
}

async function checked({ manifest }: SharedImage, index: number, { encoding, data }: Extract<ChunkAnswer, { kind: 'chunk' }>): Promise<Buffer | null> {
  const length = chunkLength(manifest, index);
  // No answer may inflate to more than a chunk.
  const bytes = encoding === 'plain' ? Buffer.from(data) : await inflate(data, { maxOutputLength: length }).catch(() => null);
  if (bytes === null || bytes.length !== length) return null;
  return createHash('sha256').update(bytes).digest().equals(chunkHash(manifest, index)) ? bytes : null;
}
