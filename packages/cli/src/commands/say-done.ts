import type { Context } from '../context';

/** What came of a command: the API's answer as it is, or a sentence. */
export function sayDone(context: Context, sentence: string, answer: unknown): void {
  if (context.output.json) context.output.document(answer);
  else context.output.line(sentence);
}
