/**
 * Work that is done once at a time, whoever asks for it. Its answer is shared by all who asked before it began, so that nobody
 * gets one that was begun before they asked. It is given what was asked with last.
 */
export class NewestRun<Asked, Answer> {
  private running: Promise<Answer> | null = null;
  private next: Promise<Answer> | null = null;
  private asked: Asked | null = null;

  constructor(private readonly work: (asked: Asked) => Promise<Answer>) {}

  run(asked: Asked): Promise<Answer> {
    this.asked = asked;
    if (this.next !== null) return this.next;
    if (this.running === null) return this.begin(asked);
    const begin = (): Promise<Answer> => {
      this.next = null;
      return this.begin(this.asked ?? asked);
    };
    // However that one ends.
    this.next = this.running.then(begin, begin);
    return this.next;
  }

  private begin(asked: Asked): Promise<Answer> {
    const begun = this.work(asked).finally(() => {
      if (this.running === begun) this.running = null;
    });
    this.running = begun;
    return begun;
  }
}
