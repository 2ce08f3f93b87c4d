import { ParavclError } from '@paravcl/shared/errors';
import { z } from 'zod';

export interface Fault {
  readonly field: string;
  readonly limit: string;
}

/** `invalid-input` with every fault at once, so that a form can mark all its fields. */
export class InvalidInput extends ParavclError {
  constructor(readonly faults: readonly [Fault, ...Fault[]]) {
    const [first, ...others] = faults;
    const more = others.length === 0 ? '' : ` (and ${others.length} more: ${[...new Set(others.map((fault) => fault.field))].slice(0, 10).join(', ')})`;
    super('invalid-input', `${first.field}: ${first.limit}${more}.`, { field: first.field, limit: first.limit });
  }
}

/** The same contract, to which an unknown field is a fault: a mistyped one would else be dropped in silence. */
export function strictly(schema: z.ZodType): z.ZodType {
  // A body that may be left out whole: the edge hands the empty object in by then.
  if (schema instanceof z.ZodPrefault) return strictly(schema.unwrap() as z.ZodType);
  return schema instanceof z.ZodObject ? schema.strict() : schema;
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
  // Zod's own words for a field that is not there speak of types; people look for the word "required".
  if (issue.code === 'invalid_type' && issue.message.endsWith('received undefined')) {
    return { field: clip(field), limit: `is required, as ${issue.expected}` };
  }
  return { field: clip(field), limit: clip(boundOf(issue) ?? issue.message) };
}

/** A bound in plain words, where the contract has none of its own: zod's speak of types and signs. */
function boundOf(issue: z.core.$ZodIssue): string | null {
  if (issue.code === 'too_small' && issue.message.startsWith('Too small')) return `${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}${countedIn(issue.origin)}`;
  if (issue.code === 'too_big' && issue.message.startsWith('Too big')) return `${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}${countedIn(issue.origin)}`;
  return null;
}

function countedIn(origin: string): string {
  return { string: ' characters', array: ' entries' }[origin] ?? '';
}

/** A record's keys come from the client and may be long. */
const clip = (text: string): string => (text.length <= 300 ? text : `${text.slice(0, 299)}…`);
