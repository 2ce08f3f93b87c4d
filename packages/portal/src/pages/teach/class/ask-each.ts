/** What became of one question asked of many. */
export interface Asked<Thing> {
  readonly accepted: readonly Thing[];
  readonly refused: readonly { readonly thing: Thing; readonly sentence: string }[];
}

/** Asks for each thing, so many at a time, in their order; a refusal stops no other. `onAnswer` hears how many have answered. */
export async function askEach<Thing>(things: readonly Thing[], atMost: number, ask: (thing: Thing) => Promise<unknown>, onAnswer: (answered: number) => void = () => undefined): Promise<Asked<Thing>> {
  const answers: (string | null)[] = [];
  let next = 0;
  let answered = 0;
  const worker = async (): Promise<void> => {
    for (let at = next++; at < things.length; at = next++) {
      answers[at] = await ask(things[at] as Thing).then(() => null, (error: unknown) => (error instanceof Error ? error.message : String(error)));
      onAnswer(++answered);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atMost, things.length) }, worker));
  return {
    accepted: things.filter((_thing, at) => answers[at] === null),
    refused: things.flatMap((thing, at) => (answers[at] == null ? [] : [{ thing, sentence: answers[at] }])),
  };
}
