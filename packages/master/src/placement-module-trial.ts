import { Worker } from 'node:worker_threads';
import { sampleQuestions } from './placement-module-check';
import { moduleInstance, moduleSlave, moduleWorld } from './placement-module-view';

/**
 * Whether a placement module comes to an end: it is loaded and asked about sample slaves in a thread of its own, for what
 * loops here could not be stopped. What it answers is judged later; what it throws is no fault of this kind.
 */
export function comesToAnEnd(file: string, deadlineMs: number): boolean {
  const done = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const questions = sampleQuestions().map(({ slaves, instance, world }) => ({ slaves: slaves.map(moduleSlave), instance: moduleInstance(instance), world: moduleWorld(world) }));
  const thread = new Worker(trial, { eval: true, workerData: { file, questions, done } });
  // Waits without yielding: nothing of the master runs yet that could be kept waiting.
  const ended = Atomics.wait(done, 0, 0, deadlineMs) !== 'timed-out';
  void thread.terminate();
  return ended;
}

/** In JavaScript of its own, so that the thread needs nothing of the master. */
const trial = `
const { workerData: { file, questions, done } } = require('node:worker_threads');
try {
  const { compare, score } = require(file);
  for (const { slaves, instance, world } of questions) {
    for (const a of slaves) {
      for (const b of slaves) compare(a, b, instance, world);
      score?.(a, instance, world);
    }
  }
} catch {
} finally {
  Atomics.store(done, 0, 1);
  Atomics.notify(done, 0);
}`;
