import { runProgram } from '../process/run-program';

export interface DemoNetwork {
  readonly name: string;
  readonly bridge: string;
  readonly cidr: string;
}

const mostDemos = 10;

/** A network of this demo's own: several demos run beside each other, and none ends another's. */
export function demoNetwork(taken: readonly string[]): DemoNetwork {
  for (let number = 0; number < mostDemos; number += 1) {
    const name = number === 0 ? 'paravcl-demo' : `paravcl-demo${String(number)}`;
    if (!taken.includes(name)) return { name, bridge: `pvcldemo${String(number)}`, cidr: `10.213.${String(number)}.0/24` };
  }
  throw new Error(`${String(mostDemos)} demos have their networks on this machine already (virsh net-list --all). End one: npm run demo -- --stop --state DIRECTORY`);
}

/** Names of this host's libvirt networks, running or not. */
export async function networkNames(): Promise<readonly string[]> {
  const output = await runProgram('virsh', ['-c', 'qemu:///system', 'net-list', '--all', '--name']);
  return output.split('\n').map((line) => line.trim()).filter((line) => line !== '');
}
