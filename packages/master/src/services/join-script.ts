import { ParavclError } from '@paravcl/shared/errors';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { shellWord } from '@paravcl/shared/shell-quote';
import { installScriptPath, type AgentPackages } from './agent-package';
import { checkedDownload } from './checked-download';

/** How hosts reach the master, and what they know it by. */
export interface JoinMaster {
  readonly url: string;
  /** Which master it is, whatever its address. */
  readonly siteId: string;
  /** The authority that vouches for it, PEM, and its fingerprint; null when the public ones do. */
  readonly caPem: string | null;
  readonly caFingerprint: string | null;
}

/**
 * The script by which a host joins: the one that every installation uses, with this master's address, its authority
 * and the hashes of what is fetched in its head. It holds no secret. Who shows the command to run it tells its hash, so
 * that it is believed before anything of the network is.
 */
export class JoinScript {
  constructor(
    private readonly packages: Pick<AgentPackages, 'read'>,
    private readonly master: JoinMaster,
  ) {}

  /** Throws `not-ready` when there is nothing to put on hosts. */
  async text(): Promise<string> {
    const { id, files, manifest } = await this.packages.read();
    const script = files.find(({ path }) => path === installScriptPath);
    if (script === undefined) throw new Error(`The package lacks ${installScriptPath}.`);
    const mib = Math.ceil(files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) / 1024 ** 2);
    const { url, siteId, caPem, caFingerprint } = this.master;
    const body = (await readFile(script.source, 'utf8')).replace(/^#!.*\n/, '');
    return `#!/bin/sh
# Makes this host part of the pool of ${oneLineOf(url)}. As root: sh join.sh
#
# It asks for a join token, installs what is missing of libvirt and QEMU, fetches release ${id}
# of ParaVCL (${String(mib)} MiB) from there, checks it by the hashes below, enrols and starts it.
# What each step does stands below. To take it off again: sh /opt/paravcl/current/paravcl-install.sh remove
join_master=${shellWord(url)}
join_site=${shellWord(siteId)}
join_ca_fingerprint=${shellWord(caFingerprint ?? '-')}
join_ca=${shellWord((caPem ?? '').trim())}
join_release=${shellWord(id)}
join_mib=${String(mib)}
join_manifest=${shellWord(manifest.trimEnd())}

${body}`;
  }

  /** What to paste on a host, as root: fetches the script, checks that it is this one, and runs it. Null when there is nothing to put on hosts. */
  async oneLine(): Promise<string | null> {
    const text = await this.text().catch((error: unknown) => {
      if (error instanceof ParavclError) return null;
      throw error;
    });
    if (text === null) return null;
    const sha256 = createHash('sha256').update(text).digest('hex');
    // In a new directory of root's own: where others may write they could put another script there between the check and the run.
    return `(cd "$(mktemp -d)" && ${checkedDownload(this.master, '/join.sh', 'join.sh', sha256)} && sh join.sh)`;
  }
}

/** Within a comment. */
const oneLineOf = (text: string): string => text.replaceAll(/\s/g, '');
