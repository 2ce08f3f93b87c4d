/** Does work for each of them, so many at a time, and answers in their order. What one throws ends it: none is begun after that. */
export async function someAtOnce<Item, Answer>(items: readonly Item[], atOnce: number, work: (item: Item) => Promise<Answer>): Promise<readonly Answer[]> {
  const waiting = [...items.entries()];
  const answers: Answer[] = [];
  const goOn = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, item] = next;
      try {
        answers[index] = await work(item);
      } catch (error) {
        waiting.length = 0;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, goOn));
  return answers;
}
