/** Fills in one of the portal's own sentences, `shell:problem.unreachable`, in the language that is chosen now. */
export type Tell = (key: string, blanks?: Readonly<Record<string, unknown>>) => string;

let spoken: Tell = (key) => key;

/** For what speaks outside of a page and has no hook: the sentences of the language that was started. */
export const ownWords = (): Tell => spoken;

/** Has `ownWords` speak by this from now on. */
export function speakBy(tell: Tell): void {
  spoken = tell;
}
