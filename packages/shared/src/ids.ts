import { v5, v7 } from 'uuid';
import { z } from 'zod';
import type { EpochMs } from './clock';

/**
 * Every id is a UUIDv7 (RFC 9562): ordered by time of creation, and an instance's id is at the same
 * time the UUID of its libvirt domain, so no mapping can be lost.
 */
export const idSchema = z.uuid();

export function newId(now: EpochMs): string {
  counter = counter.msecs === now ? { msecs: now, seq: counter.seq + 1 } : { msecs: now, seq: randomSeq() };
  return v7({ msecs: now, seq: counter.seq, random: nextRandom() });
}

/** The same id each time it is asked for: of one of the things that were made under a request's id. */
export function derivedId(requestId: string, of: string): string {
  return v5(of, requestId);
}

/**
 * Within one millisecond ids count up (RFC 9562 §6.2, method 1), so that history, which is read in the
 * order of its ids, keeps the order in which it was written. Begins anywhere in the lower half of 32 bits.
 */
let counter = { msecs: -1, seq: 0 };

/** Asked for many together: each time by itself takes longer than all the rest of an id. */
const random = { pool: new Uint8Array(16_384), used: 16_384, next: new Uint8Array(16) };

function nextRandom(): Uint8Array {
  const { pool, next } = random;
  if (random.used === pool.length) {
    crypto.getRandomValues(pool);
    random.used = 0;
  }
  for (let at = 0; at < next.length; at++) next[at] = pool[random.used++] ?? 0;
  return next;
}

function randomSeq(): number {
  return (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) >>> 1;
}

const friendlyPrefixes = { instance: 'i', disk: 'EMI', kernel: 'EKI', ramdisk: 'ERI' } as const;
export type FriendlyKind = keyof typeof friendlyPrefixes;

/**
 * The id people read and type, beside the UUID: `i-ubuntu-9af` for an instance of the image "Ubuntu",
 * `EMI-UBUNTU-9AF` for the image itself (naming of the 2014 report). `digits` hexadecimal digits come
 * from the random end of the UUID; ask for more when the shorter one is taken.
 */
export function friendlyId(kind: FriendlyKind, name: string, id: string, digits = 3): string {
  const slug = name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 24)
    .replace(/-+$/g, '');
  const text = `${friendlyPrefixes[kind]}-${slug === '' ? 'vm' : slug}-${id.replaceAll('-', '').slice(-digits)}`;
  return kind === 'instance' ? text : text.toUpperCase();
}
