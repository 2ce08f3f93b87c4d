import type { Stroke } from './keyboard-layouts';

/** A keyboard of a virtual machine holds a few keys; a guest that boots takes them slowly. */
const strokePauseMs = 20;
const toldEvery = 10;

export interface Typing {
  /** Presses and releases a key; false: there is no machine at the other end any more. */
  stroke(stroke: Stroke): boolean;
  /** Is told now and then how many were typed. */
  typed(count: number): void;
  readonly stop: AbortSignal;
  readonly pause: (ms: number) => Promise<unknown>;
}

/** Types slowly enough for a guest, until it is stopped or the machine is gone. Returns how many keys were typed. */
export async function typeStrokes(strokes: readonly Stroke[], { stroke, typed, stop, pause }: Typing): Promise<number> {
  for (const [index, each] of strokes.entries()) {
    if (stop.aborted || !stroke(each)) return index;
    if (index % toldEvery === 0) typed(index + 1);
    await pause(strokePauseMs);
  }
  return strokes.length;
}
