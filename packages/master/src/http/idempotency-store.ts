import type { Clock } from '@paravcl/shared/clock';
import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import type { Begun, IdempotencyRepository } from '../repositories/idempotency-repository';
import type { OnRecovery } from '../services/recovery-paths';
import type { IdempotencyStore } from './idempotency';

/**
 * Keeps answers in the database so that they survive restarts.
 *
 * Some answers hold a secret that is shown once (enrolment code, join token). So the database is given
 * only the hash of the client's key, and the answer sealed (AES-256-GCM) under the key itself: who reads
 * the database, or a backup of it, learns nothing, and who repeats the request can open it.
 *
 * There is one master, so a key that runs in the database and not in this process belongs to a request
 * that ended without a word (crash, lost database): whoever sends it again takes it over.
 */
export function idempotencyStore(repository: Pick<IdempotencyRepository, 'begin' | 'look' | 'finish' | 'forget'>, clock: Clock, onRecovery: OnRecovery = () => undefined): IdempotencyStore {
  const running = new Set<string>();
  const startedAt = clock.now();
  /** Begun before this process, and done again by it: few, for they are what ran when the one before ended. */
  const takenOver = new Set<string>();
  const opened = (begun: Begun, userId: string, key: string): Begun => {
    if (begun.kind !== 'answered') return begun;
    const answer = open(begun.answer, userId, key);
    const isOlder = begun.begunAt < startedAt && !takenOver.has(nameOf(userId, key));
    onRecovery(isOlder ? 'idempotent-replay-after-restart' : 'idempotent-replay', { user: userId, status: begun.status });
    return { ...begun, answer };
  };
  return {
    async begin(userId, key, requestHash) {
      const name = nameOf(userId, key);
      if (running.has(name)) {
        // Only looked at: of several that wait for the one that runs none may claim the key from under another.
        // Null when that one ended in between and made nothing: the sender asks again.
        const begun = await repository.look(userId, name, requestHash);
        return begun === null ? { kind: 'running' } : opened(begun, userId, key);
      }
      running.add(name);
      try {
        const begun = await repository.begin(userId, name, requestHash, clock.now());
        if (begun.kind === 'running') takenOver.add(name);
        if (begun.kind === 'first' || begun.kind === 'running') return { kind: 'first', subjectId: begun.subjectId };
        running.delete(name);
        return opened(begun, userId, key);
      } catch (error) {
        running.delete(name);
        throw error;
      }
    },
    async finish(userId, key, subjectId, status, answer) {
      try {
        await repository.finish(userId, nameOf(userId, key), subjectId, status, seal(answer, userId, key));
      } finally {
        running.delete(nameOf(userId, key));
      }
    },
    async forget(userId, key, subjectId) {
      try {
        await repository.forget(userId, nameOf(userId, key), subjectId);
      } finally {
        running.delete(nameOf(userId, key));
      }
    },
    abandon(userId, key) {
      running.delete(nameOf(userId, key));
    },
  };
}

const nameOf = (userId: string, key: string): string => createHash('sha256').update(`${userId}\n${key}`).digest('hex');

const sealingKey = (userId: string, key: string): Buffer => Buffer.from(hkdfSync('sha256', key, userId, 'paravcl-idempotent-answer', 32));

function seal(text: string, userId: string, key: string): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', sealingKey(userId, key), nonce);
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64');
}

function open(text: string, userId: string, key: string): string {
  const bytes = Buffer.from(text, 'base64');
  const decipher = createDecipheriv('aes-256-gcm', sealingKey(userId, key), bytes.subarray(0, 12), { authTagLength: 16 });
  decipher.setAuthTag(bytes.subarray(12, 28));
  return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8');
}
