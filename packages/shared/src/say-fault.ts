import type { z } from 'zod';

/**
 * What is wrong with a value, for the end of a sentence about it: "at most 64", "must be a whole number". A contract's
 * own words stand; zod's, which speak of types, signs and patterns, are put as people say them.
 */
export function sayFault(issue: z.core.$ZodIssue): string {
  return isZods(issue.message) ? (plainly(issue) ?? issue.message) : issue.message;
}

/** Its own words begin so, and no contract's do. */
function isZods(message: string): boolean {
  return /^(Invalid|Too (small|big)|Unrecognized)\b/.test(message);
}

function plainly(issue: z.core.$ZodIssue): string | null {
  switch (issue.code) {
    case 'invalid_type': {
      const kind = kinds[issue.expected] ?? 'something else';
      // People look for the word when a field is not there.
      return issue.message.endsWith('received undefined') ? `is required, as ${kind}` : `must be ${kind}`;
    }
    case 'too_small':
      return `${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}${countedIn(issue.origin, issue.minimum)}`;
    case 'too_big':
      return `${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}${countedIn(issue.origin, issue.maximum)}`;
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`;
    case 'invalid_value':
      return issue.values.length === 1 ? `must be ${String(issue.values[0])}` : `must be one of ${issue.values.map(String).join(', ')}`;
    case 'invalid_format':
      return formats[issue.format] === undefined ? 'has not the form it must have' : `must be ${formats[issue.format]}`;
    case 'invalid_key':
      return `has a name that cannot be used: ${issue.issues.map(sayFault).join('; ')}`;
    case 'invalid_union':
      return [...new Set(issue.errors.flat().map(sayFault))].join(', or ') || null;
    case 'unrecognized_keys':
      return `has no ${issue.keys.join(', ')}`;
    default:
      return null;
  }
}

const kinds: Readonly<Partial<Record<string, string>>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'fields with their values',
  record: 'names with their values',
  null: 'null',
};

const formats: Readonly<Partial<Record<string, string>>> = {
  uuid: 'an id, as lists give it',
  datetime: 'a time with its offset, such as 2026-12-07T10:00:00Z',
  date: 'a date, such as 2026-12-07',
  email: 'a mail address',
  url: 'an address, such as https://lab.example',
  ipv4: 'an IPv4 address, such as 192.168.1.10',
  cidrv4: 'an IPv4 range, such as 192.168.1.0/24',
};

function countedIn(origin: string, count: number | bigint): string {
  const [one, many] = { string: ['character', 'characters'], array: ['entry', 'entries'] }[origin] ?? [];
  return one === undefined ? '' : ` ${Number(count) === 1 ? one : many}`;
}
