import { ApiProblem } from '@paravcl/shared/client/api-problem';
import type { Answered } from '@paravcl/shared/client/routes';
import type { Context } from '../context';
import { shownKey, type ShownKey } from '../hosts/confirm-key';
import type { FileFault } from './file-fault';
import type { Machine } from './read-pm-file';
import { someAtOnce } from './some-at-once';

export type Fabric = Answered<'get /fabric'>;

export interface ReachedMachine extends Machine {
  readonly shown: ShownKey;
}

/** As many hosts are asked for their keys at a time. */
const atOnce = 8;

/** Whether this person may do all of it at this master, and whether it answers the Fabric API at all; else sentences about what is missing. */
export async function askMaster(context: Context): Promise<{ readonly fabric: Fabric | null; readonly missing: readonly string[] }> {
  const { user } = await context.call('get /me', {});
  if (user.role !== 'admin') return { fabric: null, missing: [`${user.name} is ${user.role}, and only an administrator defines types and adds hosts and images: log in as one.`] };
  const fabric = await context.call('get /fabric', {});
  return { fabric, missing: fabric.enabled ? [] : ['the Fabric API is switched off: set `fabric: { enabled: true }` in the master’s configuration file and start it anew.'] };
}

/** Asks the master for the host key of every machine: which it cannot reach, or may not, is a fault of its line. */
export async function askMachines(context: Context, file: string, machines: readonly Machine[]): Promise<{ readonly reached: readonly ReachedMachine[]; readonly faults: readonly FileFault[] }> {
  const reached: ReachedMachine[] = [];
  const faults: FileFault[] = [];
  await someAtOnce(machines, atOnce, async (machine) => {
    try {
      reached.push({ ...machine, shown: await shownKey(context, machine) });
    } catch (error) {
      if (!(error instanceof ApiProblem) || error.status === 401) throw error;
      faults.push({ file, line: machine.line, sentence: `${machine.host}: ${error.message}` });
    }
  });
  const byLine = (one: { readonly line: number }, other: { readonly line: number }): number => one.line - other.line;
  return { reached: reached.sort(byLine), faults: faults.sort(byLine) };
}
