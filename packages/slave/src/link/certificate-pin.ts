import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import { connect, type DetailedPeerCertificate } from 'node:tls';
import { connectionFault } from './connection-fault';

const connectDeadlineMs = 15_000;

const notOfToken = (master: URL, count: number): string =>
  `${master.host} is not the master this token is for: none of its ${count} certificates has the fingerprint in the token. Nothing was sent. Check the address, or ask for a new token.`;

/**
 * Reads the certificates a master shows and answers the one whose SHA-256 (of its DER) equals the
 * fingerprint, of the join token unless it was named otherwise, as PEM. Nothing is sent on this connection: it is not trusted yet, it
 * only tells what to trust. Throws when no certificate of the chain has that fingerprint.
 */
export async function findPinnedCertificate(master: URL, fingerprint: string, refusal = notOfToken): Promise<string> {
  const chain = await readChain(master);
  const found = chain.find((certificate) => createHash('sha256').update(certificate).digest('base64url') === fingerprint);
  if (found === undefined) throw new Error(refusal(master, chain.length));
  return `-----BEGIN CERTIFICATE-----\n${(found.toString('base64').match(/.{1,64}/g) ?? []).join('\n')}\n-----END CERTIFICATE-----\n`;
}

function readChain(master: URL): Promise<readonly Buffer[]> {
  const host = master.hostname.replace(/^\[|\]$/g, '');
  return new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port: master.port === '' ? 443 : Number(master.port),
      ...(isIP(host) === 0 ? { servername: host } : {}),
      // Looked at, not believed: what is found must equal the fingerprint, and the real request verifies.
      rejectUnauthorized: false,
    });
    socket.setTimeout(connectDeadlineMs, () => socket.destroy(new Error(`${master.host} did not answer within ${connectDeadlineMs / 1000} s.`)));
    socket.on('error', (error) => reject(connectionFault(master, error)));
    socket.on('secureConnect', () => {
      resolve(certificatesOf(socket.getPeerCertificate(true)));
      socket.destroy();
    });
  });
}

function certificatesOf(leaf: DetailedPeerCertificate): readonly Buffer[] {
  const found: Buffer[] = [];
  // A self-signed certificate names itself as its issuer; the chain ends there.
  for (let one: DetailedPeerCertificate | undefined = leaf; one?.raw && !found.some((raw) => raw.equals(one?.raw ?? Buffer.alloc(0))); one = one.issuerCertificate) {
    found.push(one.raw);
  }
  return found;
}
