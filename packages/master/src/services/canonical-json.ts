/**
 * A plain JSON value as text that is the same for the same value, in whatever order its fields came. Lists keep
 * their order, for it means something. A field that is undefined is left out.
 */
export function canonicalJson(value: unknown): string {
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : 'null';
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return Array.isArray(value) ? list(value) : record(value as Readonly<Record<string, unknown>>);
}

/**
 * The same text in pieces, for what is so large that others want their turn while it is written: lists that
 * are nested up to so many levels deep are taken apart, what is deeper is one piece.
 */
export function* canonicalPieces(value: unknown, levels: number): Generator<string> {
  if (levels === 0 || typeof value !== 'object' || value === null) {
    yield canonicalJson(value);
    return;
  }
  let before = '';
  if (Array.isArray(value)) {
    for (const part of value as readonly unknown[]) {
      yield before === '' ? '[' : before;
      yield* canonicalPieces(part ?? null, levels - 1);
      before = ',';
    }
    yield before === '' ? '[]' : ']';
    return;
  }
  for (const field of Object.keys(value).sort()) {
    const part = (value as Readonly<Record<string, unknown>>)[field];
    if (part === undefined) continue;
    yield `${before === '' ? '{' : before}${JSON.stringify(field)}:`;
    yield* canonicalPieces(part, levels - 1);
    before = ',';
  }
  yield before === '' ? '{}' : '}';
}

/** Put together by hand: a replacer given to JSON.stringify takes twice as long. */
function list(values: readonly unknown[]): string {
  let text = '';
  for (const value of values) text += `${text === '' ? '[' : ','}${value === undefined ? 'null' : canonicalJson(value)}`;
  return text === '' ? '[]' : `${text}]`;
}

function record(value: Readonly<Record<string, unknown>>): string {
  let text = '';
  for (const field of Object.keys(value).sort()) {
    const part = value[field];
    if (part !== undefined) text += `${text === '' ? '{' : ','}${JSON.stringify(field)}:${canonicalJson(part)}`;
  }
  return text === '' ? '{}' : `${text}}`;
}
