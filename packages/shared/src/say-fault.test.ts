import { z } from 'zod';
import { sayFault } from './say-fault';

function said(schema: z.ZodType, value: unknown): string {
  return (schema.safeParse(value).error?.issues ?? []).map(sayFault).join('; ');
}

test.each<[string, z.ZodType, unknown, string]>([
  ['a fraction where a whole number is meant', z.int().min(1), 1.5, 'must be a whole number'],
  ['text where a number is meant', z.int(), 'four', 'must be a number'],
  ['what is no number in an address', z.coerce.number().pipe(z.int()), 'four', 'must be a number'],
  ['nothing where text is meant', z.string(), undefined, 'is required, as text'],
  ['a word where a switch is meant', z.boolean(), 'yes', 'must be true or false'],
  ['one where a list is meant', z.array(z.string()), 'a', 'must be a list'],
  ['a value where fields are meant', z.object({}), 7, 'must be fields with their values'],
  ['too little', z.number().min(1), 0, 'at least 1'],
  ['too much', z.number().lt(3), 3, 'less than 3'],
  ['too much text', z.string().max(3), 'abcd', 'at most 3 characters'],
  ['too many', z.array(z.int()).max(1), [1, 2], 'at most 1 entry'],
  ['half a step', z.number().multipleOf(5), 7, 'must be a multiple of 5'],
  ['a choice there is not', z.enum(['para', 'fifo']), 'lifo', 'must be one of para, fifo'],
  ['another value than the only one', z.literal('bearer'), 'x', 'must be bearer'],
  ['what is no id', z.uuid(), '7', 'must be an id, as lists give it'],
  ['what is no moment', z.iso.datetime({ offset: true }), 'Monday', 'must be a time with its offset, such as 2026-12-07T10:00:00Z'],
  ['a pattern without words of its own', z.string().regex(/^a$/), 'b', 'has not the form it must have'],
  ['neither of two kinds', z.union([z.int(), z.boolean()]), 'x', 'must be a number, or must be true or false'],
  ['a bad name of an entry', z.record(z.string().max(2, 'at most 2 letters'), z.int()), { abc: 1 }, 'has a name that cannot be used: at most 2 letters'],
  ['what a contract says itself', z.string('must be a time of day in quotes'), 8, 'must be a time of day in quotes'],
])('%s is told without types and signs', (_what, schema, value, expected) => {
  expect(said(schema, value)).toBe(expected);
});
