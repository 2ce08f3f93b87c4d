import { createHash, X509Certificate } from 'node:crypto';
import { connect } from 'node:tls';

/** SHA-256 of the public key that the server at this address shows, base64, after the CA of the site was checked. */
export function serverKey(url: string, caPem: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), ca: caPem, servername: /^[\d.]+$/.test(hostname) ? '' : hostname }, () => {
      const { raw } = socket.getPeerCertificate();
      socket.end();
      resolve(keyOf(new X509Certificate(raw)));
    });
    socket.on('error', reject);
  });
}

export function keyOf(certificate: X509Certificate): string {
  return createHash('sha256').update(certificate.publicKey.export({ type: 'spki', format: 'der' })).digest('base64');
}
