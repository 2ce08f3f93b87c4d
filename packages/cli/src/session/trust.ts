import { createSecureContext } from 'node:tls';
import { X509Certificate } from 'node:crypto';
import { Refusal, wrongUsage } from '../errors/refusal';
import type { Context } from '../context';
import { line } from '../output/advice';
import { readCa } from './access';
import { fingerprintOf, isFingerprint, lookAt } from './certificates';

export interface TrustOptions {
  /** A file with the CA. */
  readonly ca?: string | undefined;
  /** As the operators tell it. */
  readonly fingerprint?: string | undefined;
  /** Ask again, whatever was trusted before. */
  readonly trustAnew?: boolean | undefined;
}

/**
 * The CA that a master's certificate must be signed by: the one that was named, the one that was trusted before, none of its own for a
 * publicly trusted certificate, or the one it shows, once somebody has compared its fingerprint. Throws Refusal.
 */
export async function decideTrust(context: Context, origin: string, known: { readonly caPem: string | null } | null, { ca, fingerprint, trustAnew }: TrustOptions): Promise<string | null> {
  if (ca !== undefined) {
    const pem = await readCa(ca);
    requireCertificate(pem, ca);
    if (fingerprint !== undefined && !isFingerprint(fingerprint, fingerprintOf(new X509Certificate(pem).raw))) throw new Refusal(`The certificate in ${ca} has another fingerprint than you named: ${fingerprintOf(new X509Certificate(pem).raw)}.`);
    return pem;
  }
  if (known !== null && trustAnew !== true && fingerprint === undefined) return known.caPem;
  const shown = await lookAt(new URL(origin));
  if (fingerprint !== undefined) {
    if (isFingerprint(fingerprint, shown.fingerprint)) return shown.caPem;
    throw new Refusal(`${origin} shows a CA with another fingerprint than you named: SHA-256 ${shown.fingerprint}. Nothing was sent to it. Check the address, and ask the operators for the fingerprint again.`);
  }
  if (shown.trusted) return null;
  const { output, questions } = context;
  output.say(`The certificate of ${origin} is signed by the site's own CA. Its fingerprint is`);
  output.say(`  SHA-256 ${shown.fingerprint}`);
  output.say('Compare it with what the operators tell you (on the master: openssl x509 -noout -fingerprint -sha256 -in CA-FILE).');
  if (!questions.canAsk) throw wrongUsage('Nobody is here to compare it, so nothing was sent.', line`paravcl login ${origin} --fingerprint FINGERPRINT, as the operators tell it`);
  await questions.confirm('Is it the same?', false);
  return shown.caPem;
}

function requireCertificate(pem: string, path: string): void {
  try {
    createSecureContext({ ca: pem });
    new X509Certificate(pem);
  } catch (error) {
    throw wrongUsage(`${path} is no certificate: ${(error as Error).message}.`);
  }
}
