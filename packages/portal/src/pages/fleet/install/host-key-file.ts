const names: Readonly<Record<string, string>> = { 'ssh-ed25519': 'ed25519', 'ssh-rsa': 'rsa' };

/** What to run at a host's own keyboard to see the fingerprint of this key there. OpenSSH keeps each type in a file of its own. */
export function commandThatTells(keyType: string): string {
  const name = keyType.startsWith('ecdsa-') ? 'ecdsa' : names[keyType];
  return `ssh-keygen -lf /etc/ssh/ssh_host_${name ?? '*'}_key.pub`;
}
