import type { Principal } from '@paravcl/shared/domain/people';
import { ParavclError } from '@paravcl/shared/errors';

/**
 * What only a person with a session does, and no program with a token of theirs: whoever found a token must not come to stay by it.
 *
 * @param what completes "An API token cannot …"
 * @throws ParavclError `forbidden`
 */
export function requireSession({ apiToken }: Principal, what: string): void {
  if (apiToken !== undefined) throw new ParavclError('forbidden', `An API token cannot ${what}. Log in and do it there.`);
}
