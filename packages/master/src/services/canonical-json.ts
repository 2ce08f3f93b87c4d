/**
 * A plain JSON value as text that is the same for the same value, in whatever order its fields came. Lists keep
 * their order, for it means something. A field that is undefined is left out.
 */
export function canonicalJson(value: unknown): string {
  return tell(value, new Place());
}

/**
 * The same text in pieces, for what is so large that others want their turn while it is written: lists that
 * are nested up to so many levels deep are taken apart, what is deeper is one piece.
 */
export function* canonicalPieces(value: unknown, levels: number, place = new Place()): Generator<string> {
  if (levels === 0 || typeof value !== 'object' || value === null) {
    yield tell(value, place);
    return;
  }
  let before = '';
  if (Array.isArray(value)) {
    const { items } = place;
    for (const part of value as readonly unknown[]) {
      yield before === '' ? '[' : before;
      yield* canonicalPieces(part ?? null, levels - 1, items);
      before = ',';
    }
    yield before === '' ? '[]' : ']';
    return;
  }
  for (const { name, quoted, place: within } of place.fieldsOf(value)) {
    const part = (value as Readonly<Record<string, unknown>>)[name];
    if (part === undefined) continue;
    yield `${before === '' ? '{' : before}${quoted}`;
    yield* canonicalPieces(part, levels - 1, within);
    before = ',';
  }
  yield before === '' ? '{}' : '}';
}

interface Field {
  readonly name: string;
  /** As it stands in the text: "name": */
  readonly quoted: string;
  readonly place: Place;
}

/**
 * One place in a text, and the fields that stood there last. The values of a list mostly have the same fields, and to
 * sort and quote them for each would take as long as all the rest.
 */
class Place {
  private names: readonly string[] = [];
  private sorted: readonly Field[] = [];
  private ofItems: Place | null = null;

  /** Where every value of a list stands. */
  get items(): Place {
    return (this.ofItems ??= new Place());
  }

  fieldsOf(value: object): readonly Field[] {
    const names = Object.keys(value);
    if (names.length !== this.names.length || !names.every((name, index) => name === this.names[index])) {
      this.names = names;
      this.sorted = names.toSorted().map((name) => ({ name, quoted: `${JSON.stringify(name)}:`, place: new Place() }));
    }
    return this.sorted;
  }
}

/** Put together by hand: a replacer given to JSON.stringify takes several times as long. */
function tell(value: unknown, place: Place): string {
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : 'null';
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  let text = '';
  if (Array.isArray(value)) {
    const { items } = place;
    for (const part of value as readonly unknown[]) text += `${text === '' ? '[' : ','}${part === undefined ? 'null' : tell(part, items)}`;
    return text === '' ? '[]' : `${text}]`;
  }
  for (const { name, quoted, place: within } of place.fieldsOf(value)) {
    const part = (value as Readonly<Record<string, unknown>>)[name];
    if (part !== undefined) text += `${text === '' ? '{' : ','}${quoted}${tell(part, within)}`;
  }
  return text === '' ? '{}' : `${text}}`;
}
