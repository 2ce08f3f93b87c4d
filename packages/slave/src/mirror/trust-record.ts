import { join } from 'node:path';
import type { EpochMs } from '@paravcl/shared/clock';
import { parseJson } from '@paravcl/shared/parse-json';
import { z } from 'zod';
import type { FileLayer } from './file-layer';

/** As it is on the disk. Earlier releases wrote no `checkedAt`. */
const recordSchema = z.object({ bootId: z.string(), clean: z.boolean(), checkedAt: z.number().optional() });
const fileName = 'state.json';

export interface TrustRecordOptions {
  readonly files: FileLayer;
  /** Of one image. */
  readonly directory: string;
  readonly bootId: string;
  readonly onFault: (error: unknown) => void;
}

/**
 * `state.json` beside the chunks of an image: under which boot of the host all of them may be believed, and whether the
 * mirror ended in order. Where there is none, nothing is believed. Whoever changes it takes turns (`inTurn`), and looks
 * in its turn whether it is still to be changed so.
 */
export class TrustRecord {
  private turn: Promise<void> = Promise.resolve();

  private constructor(
    private readonly options: TrustRecordOptions,
    private read: z.infer<typeof recordSchema> | null,
    /** Since when every chunk that was here then was hashed; null when nobody knows. */
    public checkedAt: EpochMs | null,
  ) {}

  static async read(options: TrustRecordOptions): Promise<TrustRecord> {
    const text = await options.files.readAll(join(options.directory, fileName));
    const read = text === null ? null : recordOf(text);
    return new TrustRecord(options, read, read?.checkedAt ?? null);
  }

  /** Whether what is here may be believed under this boot. */
  get trusts(): boolean {
    return this.read !== null && (this.read.clean || this.read.bootId === this.options.bootId);
  }

  /** One after the other. Answers when its own turn is over; throws what that throws. */
  inTurn(work: () => Promise<void>): Promise<void> {
    this.turn = this.turn.catch(() => undefined).then(work);
    return this.turn;
  }

  /** All turns so far are over. */
  async settled(): Promise<void> {
    await this.turn.catch(() => undefined);
  }

  /** The mirror runs: from now on an end that is not in order is one under this boot. */
  async begin(): Promise<void> {
    if (this.read?.bootId !== this.options.bootId || this.read.clean) await this.renew();
  }

  async renew(): Promise<void> {
    await this.write(false).catch(async (error: unknown) => {
      // A full disk: chunks are served all the same, and without a record they are hashed again one day.
      this.options.onFault(error);
      await this.forget();
    });
  }

  /** The mirror ends in order. */
  end(): Promise<void> {
    return this.write(true);
  }

  async forget(): Promise<void> {
    this.read = null;
    await this.options.files.remove(join(this.options.directory, fileName));
    await this.options.files.syncDirectory(this.options.directory);
  }

  private async write(clean: boolean): Promise<void> {
    const record: z.infer<typeof recordSchema> = { bootId: this.options.bootId, clean, ...(this.checkedAt === null ? {} : { checkedAt: this.checkedAt }) };
    await this.options.files.replace(join(this.options.directory, fileName), Buffer.from(`${JSON.stringify(record)}\n`));
    this.read = record;
  }
}

function recordOf(text: Buffer): z.infer<typeof recordSchema> | null {
  try {
    return recordSchema.parse(parseJson(text.toString('utf8')));
  } catch {
    return null;
  }
}
