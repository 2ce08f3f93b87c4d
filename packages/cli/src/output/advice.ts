import { shellWord } from '@paravcl/shared/shell-quote';

/** A thing by its name, or by its id where the name cannot be a word of a command. */
export interface Called {
  readonly id: string;
  readonly name: string;
}

/** A name that begins with a hyphen would be read as an option, quoted or not. */
const wordOf = (said: string | Called): string => (typeof said === 'string' ? said : said.name.startsWith('-') ? said.id : said.name);

/**
 * A command that somebody is told to try, to be pasted into a shell: each value that is put in is one word of it, whatever is written in it. Names of
 * hosts, images and people are what others call them, and may hold anything.
 */
export function line(parts: TemplateStringsArray, ...words: readonly (string | Called)[]): string {
  return parts.map((part, at) => (at === 0 ? part : `${shellWord(wordOf(words[at - 1] ?? ''))}${part}`)).join('');
}
