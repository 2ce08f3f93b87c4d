import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { MasterConfig } from '../config';
import { SiteCa } from './site-ca';
import { certificateNames } from './certificate-names';

/** What the master proves itself with on its one port. */
export interface ServerIdentity {
  /** Private key, PEM. */
  readonly key: string;
  /** Certificate chain as it is sent, leaf first, PEM. */
  readonly cert: string;
  /** The CA that vouches for it; null when the machine's public CAs do. */
  readonly caPem: string | null;
  /** SHA-256 over the CA certificate (DER), base64url: what join tokens carry and agents pin. Null with `caPem`. */
  readonly caFingerprint: string | null;
  readonly validUntil: Date;
}

/**
 * The configured certificate, or one of the site's own CA in `directory`, which is made at the first call
 * and renewed when due. Call it again to renew; the CA, and so what agents pin, stays.
 *
 * Throws when a configured certificate has expired or does not belong to its key.
 */
export async function serverIdentity(tls: MasterConfig['tls'], publicUrl: string, directory: string, now: Date): Promise<ServerIdentity> {
  if (tls.certFile !== undefined && tls.keyFile !== undefined) {
    return configuredIdentity(tls.certFile, tls.keyFile, tls.caFile ?? null, now);
  }
  const ca = await SiteCa.open(directory, now);
  const leaf = await ca.leaf(certificateNames([new URL(publicUrl).hostname, ...tls.names]), now);
  return {
    key: leaf.key,
    cert: leaf.certificate + ca.certificate,
    caPem: ca.certificate,
    caFingerprint: fingerprint(ca.certificate),
    validUntil: validUntil(leaf.certificate),
  };
}

async function configuredIdentity(certFile: string, keyFile: string, caFile: string | null, now: Date): Promise<ServerIdentity> {
  const [chain, key, ca] = await Promise.all([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8'), caFile === null ? null : readFile(caFile, 'utf8')]);
  const leaf = parsed(chain, `tls.certFile: ${certFile}`);
  if (!leaf.checkPrivateKey(privateKey(key, keyFile))) throw new Error(`tls: the certificate ${certFile} does not belong to the key ${keyFile}.`);
  const until = validUntil(chain);
  if (until <= now) throw new Error(`tls.certFile: ${certFile} expired on ${until.toISOString()}. Renew it, or take certFile out to use the master's own CA.`);
  if (ca === null) return { key, cert: chain, caPem: null, caFingerprint: null, validUntil: until };
  const caCertificate = parsed(ca, `tls.caFile: ${caFile ?? ''}`);
  // Agents look for the pinned CA in the chain the server sends.
  const sent = chain.includes(caCertificate.toString().trim()) ? chain : `${chain.trimEnd()}\n${ca}`;
  return { key, cert: sent, caPem: ca, caFingerprint: fingerprint(ca), validUntil: until };
}

function parsed(pem: string, what: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw new Error(`${what} is not a certificate in PEM.`, { cause: error });
  }
}

function privateKey(pem: string, file: string): ReturnType<typeof createPrivateKey> {
  try {
    return createPrivateKey(pem);
  } catch (error) {
    throw new Error(`tls.keyFile: ${file} is not an unencrypted private key in PEM.`, { cause: error });
  }
}

function validUntil(pem: string): Date {
  return new Date(new X509Certificate(pem).validTo);
}

/** SHA-256 over the certificate's DER, base64url. */
export function fingerprint(pem: string): string {
  return createHash('sha256').update(new X509Certificate(pem).raw).digest('base64url');
}
