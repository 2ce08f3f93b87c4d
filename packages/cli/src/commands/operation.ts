import type { Context } from '../context';
import { follow, type OperationAnswer } from '../talk/follow';

/** Long work that is no instance's own: waits for its end unless told not to, and answers it as it stands then. */
export async function settled(context: Context, operation: OperationAnswer, wait: boolean, see: string): Promise<OperationAnswer> {
  return wait ? follow(context, operation, see) : operation;
}
