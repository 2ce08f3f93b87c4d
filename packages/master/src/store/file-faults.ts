/** What went wrong with a file, told by its code. */
export function hasCode(error: unknown, code: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}

export const isMissing = (error: unknown): boolean => hasCode(error, 'ENOENT');
export const noSpace = (error: unknown): boolean => hasCode(error, 'ENOSPC') || hasCode(error, 'EDQUOT');
