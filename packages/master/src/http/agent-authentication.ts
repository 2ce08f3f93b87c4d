import type { Admission } from '@paravcl/shared/domain/slave';
import { ParavclError } from '@paravcl/shared/errors';
import type { Request } from 'express';

/** Who holds a content token: the registry of agents' sessions. */
export interface ContentTokenHolders {
  holderOfContentToken(contentToken: string): { readonly slaveId: string; readonly admission: Admission } | null;
}

/**
 * The slave that asks, by the content token of its session. Throws `unauthenticated` for a token of no live session, and
 * `forbidden` for a slave that takes no part; `lacks` says what it does not get, as in "gets no images".
 */
export function participatingSlave(holders: ContentTokenHolders, request: Request, lacks: string): string {
  const bearer = /^Bearer ([A-Za-z0-9_-]{32,128})$/.exec(request.get('authorization') ?? '')?.[1];
  const holder = bearer === undefined ? null : holders.holderOfContentToken(bearer);
  if (holder === null) throw new ParavclError('unauthenticated', 'The content token is of no live session. Say hello again; the welcome carries a new one.');
  if (holder.admission !== 'approved' && holder.admission !== 'draining') {
    throw new ParavclError('forbidden', `A host that is ${holder.admission} ${lacks}. An operator has to approve it.`);
  }
  return holder.slaveId;
}
