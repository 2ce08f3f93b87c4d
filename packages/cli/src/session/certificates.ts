import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import { connect, type DetailedPeerCertificate } from 'node:tls';
import { NoAnswer } from '@paravcl/shared/client/no-answer';

const withinMs = 15_000;

/** What a master shows before anything is sent to it. */
export interface Shown {
  /** Publicly trusted, and for this name: nothing has to be asked. */
  readonly trusted: boolean;
  /** The last certificate of its chain, which the site's own CA is. */
  readonly caPem: string;
  /** SHA-256 of that, as `openssl x509 -fingerprint -sha256` prints it. */
  readonly fingerprint: string;
}

/** Looks at the certificates of a master; sends nothing. Throws NoAnswer. */
export function lookAt(origin: URL): Promise<Shown> {
  const host = origin.hostname.replace(/^\[|\]$/g, '');
  return new Promise((resolve, reject) => {
    // Looked at, not believed: who it is to be is decided by a person, or by a fingerprint they were given.
    const socket = connect({ host, port: origin.port === '' ? 443 : Number(origin.port), ...(isIP(host) === 0 ? { servername: host } : {}), rejectUnauthorized: false });
    const fail = (cause: Error): void => reject(new NoAnswer('unreachable', 0, { cause }));
    socket.setTimeout(withinMs, () => socket.destroy(new Error(`It did not answer within ${String(withinMs / 1000)} s.`)));
    socket.on('error', fail);
    socket.on('secureConnect', () => {
      const raw = lastOf(socket.getPeerCertificate(true));
      const trusted = socket.authorized;
      socket.destroy();
      if (raw === null) fail(new Error('It shows no certificate.'));
      else resolve({ trusted, caPem: pemOf(raw), fingerprint: fingerprintOf(raw) });
    });
  });
}

/** Whether a fingerprint as people have it, in hexadecimal or as it stands in a join token, is this one. */
export function isFingerprint(said: string, fingerprint: string): boolean {
  const hex = fingerprint.replaceAll(':', '').toLowerCase();
  const text = said.trim().replace(/^sha-?256[:=/ ]*/i, '').replace(/^Fingerprint=/i, '');
  return text.replaceAll(':', '').toLowerCase() === hex || text.replace(/=+$/, '').replaceAll('+', '-').replaceAll('/', '_') === Buffer.from(hex, 'hex').toString('base64url');
}

/** As `openssl x509 -fingerprint -sha256` prints it. */
export function fingerprintOf(der: Buffer): string {
  return (createHash('sha256').update(der).digest('hex').toUpperCase().match(/../g) ?? []).join(':');
}

function pemOf(der: Buffer): string {
  return `-----BEGIN CERTIFICATE-----\n${(der.toString('base64').match(/.{1,64}/g) ?? []).join('\n')}\n-----END CERTIFICATE-----\n`;
}

function lastOf(leaf: DetailedPeerCertificate): Buffer | null {
  const seen = new Set<string>();
  let last: Buffer | null = null;
  // A self-signed certificate names itself as its issuer; the chain ends there.
  for (let one: DetailedPeerCertificate | undefined = leaf; one?.raw !== undefined && !seen.has(one.fingerprint256); one = one.issuerCertificate) {
    seen.add(one.fingerprint256);
    last = one.raw;
  }
  return last;
}
