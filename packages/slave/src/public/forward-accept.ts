import { parseJson } from '@paravcl/shared/parse-json';
import { z } from 'zod';
import type { RunTool } from '../describe/run-tool';
import { connectionBit } from './public-rules';
import { runHostTool } from './host-tool';

const comment = 'paravcl-public';
const match = ['-m', 'connmark', '--mark', `${connectionBit}/${connectionBit}`, '-m', 'comment', '--comment', comment, '-j', 'ACCEPT'];

/** Where libvirt's nftables backend (10.4 and later) keeps its rules. */
const libvirtTable = ['ip', 'libvirt_network'] as const;
const libvirtChain = [...libvirtTable, 'forward'] as const;

/**
 * Lets new connections that our table mapped pass libvirt's network, or takes that back. libvirt refuses whatever begins outside, and
 * an accept in a table of our own is none in its: so one rule stands where it would refuse, before that. It lets pass the
 * connections of our mark alone, and those our table has held already to what is mapped now.
 */
export async function setForwardAccept(run: RunTool, wanted: boolean): Promise<void> {
  await setInIptables(run, wanted);
  await setInLibvirtTable(run, wanted);
}

/** libvirt with the iptables backend: its chains hang at FORWARD. */
async function setInIptables(run: RunTool, wanted: boolean): Promise<void> {
  const listing = await run('iptables', ['-w', '-S', 'FORWARD'], 10_000);
  // Without the program nothing of libvirt's is there either.
  if (listing.missing) return;
  if (listing.exitStatus !== 0) {
    // Who may not look has made nothing here.
    if (wanted) await runHostTool(run, 'iptables', ['-w', '-S', 'FORWARD']);
    return;
  }
  const rules = listing.stdout.split('\n');
  const own = rules.flatMap((rule, index) => (rule.includes(`--comment ${comment} `) || rule.includes(`--comment "${comment}" `) ? [index] : []));
  const refuses = rules.findIndex((rule) => rule.includes('-j LIBVIRT_'));
  const isRight = wanted ? own.length === 1 && (refuses === -1 || (own[0] ?? 0) < refuses) : own.length === 0;
  if (isRight) return;
  // By what they say and not by their number: somebody else may write here too.
  for (let left = own.length; left > 0; left--) await runHostTool(run, 'iptables', ['-w', '-D', 'FORWARD', ...match]);
  if (wanted) await runHostTool(run, 'iptables', ['-w', '-I', 'FORWARD', '1', ...match]);
}

const rulesetSchema = z.object({ nftables: z.array(z.object({ rule: z.object({ handle: z.number(), comment: z.string().optional() }).optional() })) });

/** libvirt with the nftables backend: a table of its own, with one chain at the hook. */
async function setInLibvirtTable(run: RunTool, wanted: boolean): Promise<void> {
  const listing = await run('nft', ['-j', '-a', 'list', 'chain', ...libvirtChain], 10_000);
  if (listing.exitStatus !== 0) return;
  const rules = rulesetSchema.parse(parseJson(listing.stdout)).nftables.flatMap(({ rule }) => rule ?? []);
  const own = rules.filter((rule) => rule.comment === comment);
  const isRight = wanted ? own.length === 1 && rules[0] === own[0] : own.length === 0;
  if (isRight) return;
  if (wanted) await runHostTool(run, 'nft', ['insert', 'rule', ...libvirtChain, 'ct', 'mark', 'and', connectionBit, '==', connectionBit, 'accept', 'comment', `"${comment}"`]);
  for (const { handle } of own) await runHostTool(run, 'nft', ['delete', 'rule', ...libvirtChain, 'handle', String(handle)]);
}
