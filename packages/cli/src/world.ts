import type { Readable, Writable } from 'node:stream';

export interface Input extends Readable {
  readonly isTTY?: boolean;
  setRawMode?(raw: boolean): unknown;
}

export interface Screen extends Writable {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** What the program is run in. Tests give it another. */
export interface World {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly stdin: Input;
  readonly stdout: Screen;
  readonly stderr: Screen;
  readonly now: () => number;
  /** Does something that Ctrl-C ends in an orderly way: the signal fires, and `work` says what it has to say. Elsewhere Ctrl-C ends the program. */
  interruptible<T>(work: (interrupted: AbortSignal) => Promise<T>): Promise<T>;
}

export function processWorld(home: string): World {
  return { env: process.env, home, stdin: process.stdin, stdout: process.stdout, stderr: process.stderr, now: () => Date.now(), interruptible };
}

async function interruptible<T>(work: (interrupted: AbortSignal) => Promise<T>): Promise<T> {
  const interrupted = new AbortController();
  const onInterrupt = (): void => {
    interrupted.abort();
    // A second one ends the program at once.
    process.off('SIGINT', onInterrupt);
  };
  process.on('SIGINT', onInterrupt);
  try {
    return await work(interrupted.signal);
  } finally {
    process.off('SIGINT', onInterrupt);
  }
}
