/** SQLSTATE classes in which the server refuses the value itself: data exception, broken constraint. */
const refusedValues = ['22', '23'];

/**
 * Whether doing the same again would fail the same way: the server refused a value, or the fault is in our
 * own code. A lost connection, a lock that was not had and a full disk pass.
 */
export function isLastingFault(error: unknown): boolean {
  if (!(error instanceof Error) || error.name === 'KnexTimeoutError') return false;
  const { sqlState, code } = error as Error & { readonly sqlState?: unknown; readonly code?: unknown };
  if (typeof sqlState === 'string') return refusedValues.includes(sqlState.slice(0, 2)) && code !== 'ER_DUP_ENTRY';
  if (error.name === 'ParavclError') return code === 'internal';
  return ['TypeError', 'RangeError', 'ZodError', '$ZodError'].includes(error.name);
}
