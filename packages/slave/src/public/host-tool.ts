import { lastComplaint, type RunTool } from '../describe/run-tool';

const deadlineMs = 10_000;
const debianPackages: Readonly<Record<string, string>> = { nft: 'nftables', iptables: 'iptables', ip: 'iproute2' };

/** Runs a tool of the host's network to its end and returns what it printed. Throws an Error with a sentence when it is not there or fails. */
export async function runHostTool(run: RunTool, tool: 'nft' | 'iptables' | 'ip', args: readonly string[], input?: string): Promise<string> {
  const result = await run(tool, args, deadlineMs, input);
  if (result.exitStatus === 0) return result.stdout;
  if (result.missing) throw new Error(`${tool} is not installed on this host: apt-get install ${debianPackages[tool] ?? tool}`);
  const words = [tool, ...args].join(' ').slice(0, 120);
  throw new Error(result.timedOut ? `"${words}" gave no answer within ${String(deadlineMs / 1000)} s.` : `"${words}" failed: ${lastComplaint(result)}`);
}
