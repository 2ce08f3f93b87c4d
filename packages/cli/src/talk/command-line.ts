import { shellWord } from '@paravcl/shared/shell-quote';

/** A line of ours that can be said again in a shell: words, then the options that were given. Undefined and false are none; true is one without a value. */
export function commandLine(words: readonly string[], options: Readonly<Record<string, string | boolean | undefined>> = {}): string {
  const given = Object.entries(options).flatMap(([name, value]) => (value === undefined || value === false ? [] : value === true ? [name] : [name, value]));
  return ['paravcl', ...words, ...given].map(shellWord).join(' ');
}
