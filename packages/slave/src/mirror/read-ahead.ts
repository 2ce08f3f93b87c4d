/** How far ahead of its reader an order is brought as fast as it comes: of the usual chunks 3 MiB, a second of what a boot reads. */
const nearPlaces = 48;
/** The reader's place counts in steps of so many: chunks that are asked for together travel together, which costs everybody less. */
const stepPlaces = 8;
/** What lies further ahead is brought too, but only so many at a time, so that it delays nobody's near ones. */
const farAtOnce = 2;

interface Waiting {
  readonly place: number;
  readonly go: (done: () => void) => void;
}

/**
 * When each chunk of an order may be asked for, by how far its reader is. A guest that boots needs the next chunks soon and the last ones
 * late; links and processors, which a whole class shares, are for the next ones of everybody first.
 */
export class ReadAhead {
  private readPlace = 0;
  private far = 0;
  private isOver = false;
  private readonly waiting: Waiting[] = [];

  /** Resolves when the chunk at this place may be asked for; call the answer when it came or is given up. Ask in the order of the places. */
  turn(place: number): Promise<() => void> {
    return new Promise((go) => {
      this.waiting.push({ place, go });
      this.advance();
    });
  }

  /** The reader read what stands at this place. */
  read(place: number): void {
    const step = place - (place % stepPlaces);
    if (step <= this.readPlace) return;
    this.readPlace = step;
    this.advance();
  }

  /** Nobody reads any more: nobody waits for a turn either. */
  end(): void {
    this.isOver = true;
    this.advance();
  }

  private advance(): void {
    for (let next = this.waiting[0]; next !== undefined; next = this.waiting[0]) {
      const isNear = this.isOver || next.place < this.readPlace + nearPlaces;
      if (!isNear && this.far >= farAtOnce) return;
      this.waiting.shift();
      if (isNear) next.go(() => undefined);
      else {
        this.far += 1;
        next.go(() => {
          this.far -= 1;
          this.advance();
        });
      }
    }
  }
}
