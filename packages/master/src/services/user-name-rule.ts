import { ParavclError } from '@paravcl/shared/errors';
import type { UserNameRule } from './instance-settings';

/** @throws ParavclError `invalid-input` for a name that the site does not give to new people; those who have one keep it */
export function requireAllowedName(name: string, rule: UserNameRule): void {
  if (rule === 'any' || /^[a-z]+$/.test(name)) return;
  throw new ParavclError('invalid-input', `The user name ${name} cannot be had here: this site gives names of the letters a to z only. Leave digits, dots, hyphens and underscores out.`, { field: 'name' });
}
