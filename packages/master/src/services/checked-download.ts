import { shellWord } from '@paravcl/shared/shell-quote';

/** Where a file comes from: this master, and whether what vouches for it is public. */
export interface DownloadOrigin {
  readonly url: string;
  /** Of the site's own authority; null when a public one vouches for the master. */
  readonly caFingerprint: string | null;
}

/** A command that fetches a file of this master and goes on only when it is the one with this hash. */
export function checkedDownload({ url, caFingerprint }: DownloadOrigin, path: string, name: string, sha256: string): string {
  // The hash vouches for what comes, so a certificate that this machine cannot check yet is no obstacle.
  return `curl -q -${caFingerprint === null ? '' : 'k'}fsS ${shellWord(`${url}${path}`)} -o ${name} && echo '${sha256}  ${name}' | sha256sum -c --quiet`;
}
