/** How many are there now, in all and for each of those they stand for: an address, or a person. */
export class HeadCount {
  private readonly byWhom = new Map<string, number>();
  private inAll = 0;

  get total(): number {
    return this.inAll;
  }

  of(whom: string): number {
    return this.byWhom.get(whom) ?? 0;
  }

  /** One more. Call what is answered when it leaves; more than once is once. */
  enter(whom: string): () => void {
    this.inAll += 1;
    this.byWhom.set(whom, this.of(whom) + 1);
    let isHere = true;
    return () => {
      if (!isHere) return;
      isHere = false;
      this.inAll -= 1;
      const left = this.of(whom) - 1;
      if (left === 0) this.byWhom.delete(whom);
      else this.byWhom.set(whom, left);
    };
  }
}
