import { utils } from 'ssh2';
import { HostInstallFault, type HostLogin } from '../services/host-install-ports';

/** Throws HostInstallFault for a key that cannot be read, saying nothing of what is in it. */
export function checkPrivateKey({ privateKey, passphrase }: Extract<HostLogin['credential'], { kind: 'key' }>): void {
  const parsed = utils.parseKey(privateKey, passphrase);
  if (parsed instanceof Error) {
    if (/passphrase/i.test(parsed.message) && passphrase === undefined) throw new HostInstallFault('The private key is encrypted: give its passphrase, too.');
    if (passphrase !== undefined) throw new HostInstallFault('The private key cannot be opened with this passphrase.');
    throw new HostInstallFault('The private key cannot be read. Give the whole file, from its BEGIN line to its END line: an OpenSSH or PEM key of type ed25519, ecdsa or rsa.');
  }
  const [key] = Array.isArray(parsed) ? parsed : [parsed];
  if (key?.isPrivateKey() !== true) throw new HostInstallFault('This is a public key. The private one is needed: the file without .pub.');
}
