import { createHash, createHmac } from 'node:crypto';

/** Fingerprints of the keys that a known_hosts file (sshd(8)) has of a host, as SHA256:…; hashed names too. */
export function fingerprintsIn(knownHosts: string, host: string, port: number): ReadonlySet<string> {
  const names = port === 22 ? [host.toLowerCase()] : [`[${host.toLowerCase()}]:${String(port)}`];
  const found = new Set<string>();
  for (const line of knownHosts.split(/\r?\n/)) {
    const [patterns = '', type = '', blob = ''] = line.trim().split(/\s+/);
    // Marked lines are of certificate authorities, or of keys that are revoked.
    if (patterns.startsWith('#') || patterns.startsWith('@') || type === '' || blob === '') continue;
    if (names.some((name) => patterns.split(',').some((pattern) => isName(pattern, name)))) found.add(`SHA256:${createHash('sha256').update(Buffer.from(blob, 'base64')).digest('base64').replace(/=+$/, '')}`);
  }
  return found;
}

function isName(pattern: string, name: string): boolean {
  const hashed = /^\|1\|([^|]+)\|(.+)$/.exec(pattern);
  if (hashed === null) return pattern.toLowerCase() === name;
  return createHmac('sha1', Buffer.from(hashed[1] ?? '', 'base64')).update(name).digest('base64') === hashed[2];
}
