import { readFile } from 'node:fs/promises';
import { runProgram } from '../../process/run-program';

/**
 * A switch in a namespace of its own, and shaped cables to it: the master's ends in the namespace of this process, each
 * host's in one of its own. Both ends of a cable are shaped, so that each direction has the link's rate.
 */
const bridgeSpace = 'switch';
const prefix = 24;
const masterCable = 'uplink0';
/**
 * What every packet costs here falls on the processors that the hosts share too, for all their network stacks and the switch; real hosts and
 * switches have their own, and network cards cut long packets. So frames are long, and TCP hands over as many together as make up a
 * chunk: with frames of 1,500 bytes packets take a third of all processor time at 32 hosts, one by one at 9,000 bytes still a quarter.
 */
const frameBytes = '9000';
const framesTogether = '7';
/** The default of Linux, whatever this machine is set to: others pace each packet by a timer. By route, for a namespace may not choose it otherwise. */
const congestion = 'cubic';
/** In a host's namespace. */
const hostCable = 'lan0';

/**
 * A burst of what TCP hands over together, so small that little passes above the rate. A sender's own queue is as long as a network card's (1,000 packets), so that it holds
 * its TCP back and drops nothing; the queues of the switch are short, as those of switches for PCs are.
 */
const queueMs = { sender: 400, switch: 50 } as const;
const shape = (mbps: number, where: keyof typeof queueMs): readonly string[] => ['root', 'tbf', 'rate', `${String(mbps)}mbit`, 'burst', '68kb', 'latency', `${String(queueMs[where])}ms`];

const network = '10.77.0.0';
export const masterAddress = '10.77.0.1';
export const hostAddress = (number: number): string => `10.77.0.${String(10 + number)}`;
/** Of a host's cable, by which the master knows it as it does by its machine id. */
export const hostMac = (number: number): string => `02:00:5e:00:55:${number.toString(16).padStart(2, '0')}`;
export const hostSpace = (number: number): string => `host${String(number)}`;

/** Bridge and the master's cable. Throws outside of a private host. */
export async function makeSwitch(mbps: number): Promise<void> {
  if (process.env['PARAVCL_PRIVATE_HOST'] !== '1') throw new Error('The bench makes interfaces and namespaces: it runs inside a private host.');
  await runProgram('ip', ['netns', 'add', bridgeSpace]);
  await inSwitch('ip', 'link', 'add', 'br0', 'mtu', frameBytes, 'type', 'bridge');
  await inSwitch('ip', 'link', 'set', 'br0', 'up');
  await runProgram('ip', ['link', 'add', masterCable, 'mtu', frameBytes, 'type', 'veth', 'peer', 'name', 'master0', 'mtu', frameBytes, 'netns', bridgeSpace]);
  await plugIn('master0', mbps);
  await runProgram('tc', ['qdisc', 'add', 'dev', masterCable, ...shape(mbps, 'sender')]);
  await runProgram('ip', ['address', 'add', `${masterAddress}/${String(prefix)}`, 'dev', masterCable]);
  await runProgram('ip', ['link', 'set', masterCable, 'up']);
  for (const [program, ...args] of tcpSettings(masterCable, masterAddress)) await runProgram(program, args);
}

/** A host's namespace with its cable. Programs are run in it by `inHost`. */
export async function makeHostNetwork(number: number, mbps: number): Promise<void> {
  const space = hostSpace(number);
  const port = `port${String(number)}`;
  await runProgram('ip', ['netns', 'add', space]);
  await inSwitch('ip', 'link', 'add', port, 'mtu', frameBytes, 'type', 'veth', 'peer', 'name', hostCable, 'mtu', frameBytes, 'address', hostMac(number), 'netns', space);
  await plugIn(port, mbps);
  const inside = (program: string, ...args: readonly string[]): Promise<string> => runProgram('ip', ['netns', 'exec', space, program, ...args]);
  await inside('tc', 'qdisc', 'add', 'dev', hostCable, ...shape(mbps, 'sender'));
  await inside('ip', 'address', 'add', `${hostAddress(number)}/${String(prefix)}`, 'dev', hostCable);
  await inside('ip', 'link', 'set', 'lo', 'up');
  await inside('ip', 'link', 'set', hostCable, 'up');
  for (const [program, ...args] of tcpSettings(hostCable, hostAddress(number))) await inside(program, ...args);
}

function tcpSettings(cable: string, address: string): readonly (readonly [string, ...string[]])[] {
  return [
    ['sysctl', '-q', '-w', `net.ipv4.tcp_min_tso_segs=${framesTogether}`],
    ['ip', 'route', 'replace', `${network}/${String(prefix)}`, 'dev', cable, 'src', address, 'congctl', congestion],
  ];
}

/** The command line that runs another one in a host's namespace; it becomes that program, its process id too. */
export function inHost(number: number, command: readonly [string, ...string[]]): [string, ...string[]] {
  return ['ip', 'netns', 'exec', hostSpace(number), ...command];
}

/** Bytes that left the master on its virtual link, heads of all layers included. */
export async function masterSentBytes(): Promise<number> {
  return Number(await readFile(`/sys/class/net/${masterCable}/statistics/tx_bytes`, 'utf8'));
}

async function plugIn(port: string, mbps: number): Promise<void> {
  await inSwitch('ip', 'link', 'set', port, 'master', 'br0', 'up');
  await inSwitch('tc', 'qdisc', 'add', 'dev', port, ...shape(mbps, 'switch'));
}

function inSwitch(program: string, ...args: readonly string[]): Promise<string> {
  return runProgram('ip', ['netns', 'exec', bridgeSpace, program, ...args]);
}
