import { ParavclError } from '@paravcl/shared/errors';
import type { UserNameRule } from './instance-settings';

/** Why the site does not give this name to new people, or null when it does; those who have one keep it. */
export function userNameFault(name: string, rule: UserNameRule): string | null {
  if (rule === 'any' || /^[a-z]+$/.test(name)) return null;
  return `The user name ${name} cannot be had here: this site gives names of the letters a to z only. Leave digits, dots, hyphens and underscores out.`;
}

/** @throws ParavclError `invalid-input` for such a name */
export function requireAllowedName(name: string, rule: UserNameRule): void {
  const fault = userNameFault(name, rule);
  if (fault !== null) throw new ParavclError('invalid-input', fault, { field: 'name' });
}
