import type { Principal } from '@paravcl/shared/domain/people';
import type { IncomingMessage } from 'node:http';

export interface Authenticated {
  readonly principal: Principal;
  /** A cookie is sent by the browser whoever asks it to, so its unsafe requests need the same origin. */
  readonly by: 'cookie' | 'bearer';
}

/** Who sends this request: null without a session, or with one that has ended. */
export type Authenticate = (request: IncomingMessage) => Promise<Authenticated | null>;
