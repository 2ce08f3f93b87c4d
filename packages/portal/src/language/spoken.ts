/** Fills in one of the portal's own sentences, `shell:problem.unreachable`, in the language that is chosen now. */
export type Tell = (key: string, blanks?: Readonly<Record<string, unknown>>) => string;

let spoken: Tell = (key) => key;
let language = (): string => 'en';

/** For what speaks outside of a page and has no hook: the sentences of the language that was started. */
export const ownWords = (): Tell => spoken;

/** The language that is chosen now: how numbers are written. */
export const ownLanguage = (): string => language();

/** Has `ownWords` speak by this from now on, in the language that `chosen` tells. */
export function speakBy(tell: Tell, chosen: () => string = () => 'en'): void {
  spoken = tell;
  language = chosen;
}
