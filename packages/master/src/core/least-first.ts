/** Things of which always the least is wanted next, in a binary heap: put in order in O(n), each change of the least in O(log n). */
export class LeastFirst<T> {
  private readonly heap: T[];

  /** There is at least one while anybody asks. */
  constructor(
    items: readonly T[],
    private readonly compare: (a: T, b: T) => number,
  ) {
    this.heap = [...items];
    for (let node = (this.heap.length >>> 1) - 1; node >= 0; node--) this.sink(node);
  }

  get isEmpty(): boolean {
    return this.heap.length === 0;
  }

  /** Throws RangeError when none is left. */
  get least(): T {
    const [least] = this.heap;
    if (least === undefined) throw new RangeError('Nothing is left in the heap.');
    return least;
  }

  /** What was the least has become greater, or is none any more. */
  leastChanged(isLeft: boolean): void {
    if (!isLeft) {
      const last = this.heap.pop();
      if (last === undefined || this.heap.length === 0) return;
      this.heap[0] = last;
    }
    this.sink(0);
  }

  private sink(from: number): void {
    const { heap, compare } = this;
    for (let node = from; ; ) {
      const [left, right] = [2 * node + 1, 2 * node + 2];
      let least = node;
      if (left < heap.length && compare(heap[left] as T, heap[least] as T) < 0) least = left;
      if (right < heap.length && compare(heap[right] as T, heap[least] as T) < 0) least = right;
      if (least === node) return;
      [heap[node], heap[least]] = [heap[least] as T, heap[node] as T];
      node = least;
    }
  }
}
