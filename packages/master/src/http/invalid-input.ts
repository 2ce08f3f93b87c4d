import { ParavclError } from '@paravcl/shared/errors';
import { sayFault } from '@paravcl/shared/say-fault';
import { z } from 'zod';

export interface Fault {
  readonly field: string;
  readonly limit: string;
}

/** `invalid-input` with every fault at once, so that a form can mark all its fields. */
export class InvalidInput extends ParavclError {
  constructor(readonly faults: readonly [Fault, ...Fault[]]) {
    const [first, ...others] = faults;
    const fields = [...new Set(others.map((fault) => fault.field).filter((field) => field !== first.field))];
    const more = fields.length === 0 ? '' : ` (and ${fields.length} more: ${fields.slice(0, 10).join(', ')})`;
    super('invalid-input', `${first.field}: ${first.limit}${more}.`, { field: first.field, limit: first.limit });
  }
}

/** The same contract, to which an unknown field is a fault: a mistyped one would else be dropped in silence. */
export function strictly(schema: z.ZodType): z.ZodType {
  // A body that may be left out whole: the edge hands the empty object in by then.
  if (schema instanceof z.ZodPrefault) return strictly(schema.unwrap() as z.ZodType);
  return schema instanceof z.ZodObject ? schema.strict() : schema;
}

/** The query without what was left empty, as a form sends it: such a field is not given, and no 0. */
export function filledIn(query: Readonly<Record<string, unknown>>, { shape }: z.ZodObject): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(query).filter(([name, value]) => value !== '' || !(name in shape)));
}

/**
 * Parses one part of a request by its contract. Throws InvalidInput naming every field at fault.
 *
 * @param part how a fault of the whole is named, when no field of it is: "body", "query", "path"
 */
export function parseInput<T>(schema: z.ZodType<T>, value: unknown, part: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.slice(0, 50).flatMap((issue): readonly Fault[] =>
    issue.code === 'unrecognized_keys' ? issue.keys.slice(0, 20).map((key) => ({ field: clip(key), limit: `is not a field of this ${part}` })) : [faultOf(issue, part)],
  );
  throw new InvalidInput(faults as [Fault, ...Fault[]]);
}

function faultOf(issue: z.core.$ZodIssue, part: string): Fault {
  const field = issue.path.length === 0 ? part : issue.path.map(String).join('.');
  return { field: clip(field), limit: clip(sayFault(issue)) };
}

/** A record's keys come from the client and may be long. */
const clip = (text: string): string => (text.length <= 300 ? text : `${text.slice(0, 299)}…`);
