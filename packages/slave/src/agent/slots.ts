/** A bounded number of things at a time, in order of asking. */
export class Slots {
  private readonly waiting: (() => void)[] = [];
  constructor(private free: number) {}

  /** Who asks now need not wait. */
  get isFree(): boolean {
    return this.free > 0;
  }

  /** Resolves, with the function that gives the slot back, when one is free. */
  async take(): Promise<() => void> {
    if (this.free > 0) this.free -= 1;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    let given = false;
    return () => {
      if (given) return;
      given = true;
      const next = this.waiting.shift();
      if (next === undefined) this.free += 1;
      else next();
    };
  }
}
