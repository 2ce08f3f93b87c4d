import { z } from 'zod';

/** What a program that measures for a bench says to it: how far it is, and in the end what it found. */
export const benchWordSchema = z.union([z.object({ say: z.string() }).readonly(), z.object({ found: z.unknown() }).readonly()]);
export type BenchWord = z.infer<typeof benchWordSchema>;

/** The whole life of such a program: `measure` gets what the bench wished for, as JSON in the one argument. */
export async function measureForBench(measure: (wish: unknown, say: (line: string) => void) => Promise<unknown>): Promise<void> {
  const tell = (word: BenchWord): void => void process.send?.(word);
  try {
    tell({ found: await measure(JSON.parse(process.argv[2] ?? 'null'), (line) => tell({ say: line })) });
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exitCode = 1;
  }
  if (process.connected) process.disconnect();
}
