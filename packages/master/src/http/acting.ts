import type { Principal } from '@paravcl/shared/domain/people';
import type { Acting } from '../services/acting';

/** Who acts in this call, for services that write events. */
export function acting(call: { readonly principal: Principal; readonly clientAddress: string }): Acting {
  return { principal: call.principal, clientAddress: call.clientAddress };
}
