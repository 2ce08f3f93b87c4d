import type { Instance } from '@paravcl/shared/domain/instance';
import { call } from '../../api/call';

/** As much as the master gives. */
const tailBytes = 256 * 1024;

/** Saves the end of what a machine printed as a file. Throws ApiProblem. */
export async function saveSerialLog({ id, name }: Pick<Instance, 'id' | 'name'>): Promise<void> {
  const text: unknown = await call('get /instances/:instanceId/serial-log', { params: { instanceId: id }, query: { tailBytes } });
  const address = URL.createObjectURL(new Blob([String(text)], { type: 'text/plain' }));
  const link = document.createElement('a');
  link.href = address;
  link.download = `${name}-serial.log`;
  link.click();
  URL.revokeObjectURL(address);
}
