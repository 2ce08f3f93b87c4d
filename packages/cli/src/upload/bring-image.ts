import type { ImageAnswer } from '@paravcl/shared/api/images';
import type { FileHandle } from 'node:fs/promises';
import type { Context, PageKey } from '../context';
import { nouns, sendImage, type ImageKind } from './send-image';

/** What is said of an image besides its bytes: the body of its announcement. */
export interface Announcement {
  readonly kind: ImageKind;
  readonly name: string;
  readonly sha256: string;
  readonly sizeBytes: number;
  /** Its family's id, or null: that of its name. */
  readonly familyId: string | null;
  /** All else that the announcement says. */
  readonly about: Readonly<Record<string, unknown>>;
}

export interface Brought {
  readonly image: ImageAnswer;
  /** It was there already; nothing was sent. */
  readonly kept: boolean;
}

/**
 * Brings an image to the master. One of the same bytes in the same family is kept when it is ready, and gone on with where it is half there: so
 * the same command again goes on, whatever ended it.
 */
export async function bringImage(context: Context, { kind, name, sha256, sizeBytes, familyId, about }: Announcement, file: FileHandle, signal: AbortSignal): Promise<Brought> {
  const { items } = await context.list(`get /${nouns[kind]}` as PageKey);
  const same = (items as unknown as readonly ImageAnswer[]).filter((image) => image.sha256 === sha256 && image.sizeBytes === sizeBytes && (familyId === null ? sameName(image.familyName, name) : image.familyId === familyId));
  const ready = same.find(({ state }) => state === 'ready');
  if (ready !== undefined) return { image: ready, kept: true };
  const begun = same.find(({ state }) => state === 'uploading' || state === 'checking');
  const announced = begun ?? ((await context.call(`post /${nouns[kind]}` as 'post /images', { body: { ...about, name, sha256, sizeBytes, ...(familyId === null ? {} : { familyId }) } as never }, signal)) as ImageAnswer);
  return { image: await sendImage(context, kind, announced, file, signal), kept: false };
}

/** As the master takes names for the same: without case, accents and width. */
export function sameName(one: string, other: string): boolean {
  const folded = (text: string): string => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().trim();
  return folded(one) === folded(other);
}
