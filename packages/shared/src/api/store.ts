import { z } from 'zod';
import { sha256Schema } from '../domain/limits';
import { route } from './route';

const bytes = z.int().nonnegative();
const count = z.int().nonnegative();
const runStateSchema = z.enum(['running', 'done', 'failed']);

const run = {
  state: runStateSchema,
  /** "user alice", or "master" for the one that comes by itself. */
  startedBy: z.string(),
  startedAt: z.iso.datetime(),
  /** Null while it runs. */
  endedAt: z.iso.datetime().nullable(),
  /** How far it is, what came of it, or why it failed. */
  sentence: z.string(),
};

export const storeSweepSchema = z.object({
  ...run,
  /** Null until it is done. */
  report: z
    .object({
      deletedManifests: count,
      /** That nothing named any more. */
      forgottenChunks: count,
      freedBytes: z.int(),
      /** Of images that are there: a verification says which. */
      missingChunks: count,
    })
    .nullable(),
});
export type StoreSweep = z.infer<typeof storeSweepSchema>;

export const storeVerificationSchema = z.object({
  ...run,
  /** Whether what is damaged is fetched from hosts that have it. */
  repair: z.boolean(),
  doneBytes: bytes,
  totalBytes: bytes,
  /** Chunks that images need and that are missing or not what they were, before any repair. */
  damagedChunks: count,
  repairedChunks: count,
  /** The first of them that are still damaged. */
  damaged: z.array(z.object({ manifest: sha256Schema, /** Place in the image, from 0. */ index: count, hash: sha256Schema })),
  /** Whole lists of chunks that are missing or not what they were: upload those images again. */
  damagedManifests: z.array(sha256Schema),
});
export type StoreVerification = z.infer<typeof storeVerificationSchema>;

export const storeSchema = z.object({
  /** As kept. */
  storedBytes: bytes,
  /** Of all contents, were each kept whole. */
  logicalBytes: bytes,
  chunks: count,
  manifests: count,
  packs: count,
  sentence: z.string(),
  /** Since the master's start; null when there was none. */
  lastSweep: storeSweepSchema.nullable(),
  lastVerification: storeVerificationSchema.nullable(),
});
export type StoreStanding = z.infer<typeof storeSchema>;

export const getStore = route({ method: 'get', path: '/store', summary: 'The chunk store of images: what it holds, what was swept and verified', action: 'store.see', answer: { status: 200, schema: storeSchema } });
export const createStoreVerification = route({
  method: 'post',
  path: '/store/verifications',
  summary: 'Read and hash everything that is kept, and repair it from hosts that have it; goes on in the background',
  action: 'store.operate',
  body: z.object({ repair: z.boolean().default(false) }),
  answer: { status: 202, schema: storeVerificationSchema },
});
export const getLatestStoreVerification = route({
  method: 'get',
  path: '/store/verifications/latest',
  summary: 'How far the verification is, or what the last one since the master’s start found',
  action: 'store.see',
  answer: { status: 200, schema: storeVerificationSchema },
});
export const createStoreSweep = route({
  method: 'post',
  path: '/store/sweeps',
  summary: 'Remove what no image names any more, without the grace of the daily sweep; goes on in the background',
  action: 'store.operate',
  answer: { status: 202, schema: storeSweepSchema },
});
