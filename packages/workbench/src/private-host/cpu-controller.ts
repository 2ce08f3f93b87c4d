import { resolve } from 'node:path';
import { runProgram } from '../process/run-program';

const script = resolve(__dirname, '..', '..', 'private-host', 'cpu-controller');

/** From here on `virsh schedinfo` can cap guests of this private host, or can no more; its libvirtd is started anew, and no guest may run. */
export async function cpuController(to: 'on' | 'off'): Promise<void> {
  await runProgram(script, [to], { timeoutMs: 60_000 });
}
