import { ApiProblem } from '@paravcl/shared/client/api-problem';
import { MasterClient, type CallOptions } from '@paravcl/shared/client/master-client';
import { NoAnswer } from '@paravcl/shared/client/no-answer';
import type { Answered, Asked, RouteKey } from '@paravcl/shared/client/routes';
import { ownWords } from '../language/spoken';

/** The master that this page came from, with the session of its cookie. */
const master = new MasterClient((address, request) => fetch(address, { ...request, credentials: 'same-origin' }));

let onLoggedOut: () => void = () => undefined;

/** Has this called whenever the master answers that the session has ended. */
export function whenLoggedOut(then: () => void): void {
  onLoggedOut = then;
}

/** Asks the master. Throws ApiProblem: the master's own sentence, or in our words that it did not answer. */
export async function call<Key extends RouteKey>(key: Key, asked: Asked<Key>, options: CallOptions = {}): Promise<Answered<Key>> {
  try {
    return await master.call(key, asked, options);
  } catch (error) {
    if (error instanceof NoAnswer) throw inOwnWords(error);
    if (error instanceof ApiProblem && error.status === 401 && !key.endsWith(' /me') && !key.endsWith(' /sessions')) onLoggedOut();
    throw error;
  }
}

/** That there is no answer, as the page shows it. */
export function inOwnWords({ reason, status }: NoAnswer): ApiProblem {
  return new ApiProblem({ status, detail: ownWords()(`shell:problem.${reason}`, status === 0 ? undefined : { status }) });
}
