import { utils } from 'ssh2';
import { HostInstallFault, type HostLogin } from '../services/host-install-ports';

/** The key to log in with, decrypted. Throws HostInstallFault when it cannot be read, saying nothing of what is in it. */
export function readPrivateKey({ privateKey, passphrase }: Extract<HostLogin['credential'], { kind: 'key' }>): Buffer | string {
  const parsed = utils.parseKey(privateKey, passphrase);
  if (parsed instanceof Error) {
    if (/passphrase/i.test(parsed.message) && passphrase === undefined) throw new HostInstallFault('The private key is encrypted: give its passphrase, too.');
    if (passphrase !== undefined) throw new HostInstallFault('The private key cannot be opened with this passphrase.');
    throw new HostInstallFault('The private key cannot be read. Give the whole file, from its BEGIN line to its END line: an OpenSSH or PEM key of type ed25519, ecdsa or rsa.');
  }
  const [key] = Array.isArray(parsed) ? parsed : [parsed];
  if (key?.isPrivateKey() !== true) throw new HostInstallFault('This is a public key. The private one is needed: the file without .pub.');
  return key.getPrivatePEM();
}
