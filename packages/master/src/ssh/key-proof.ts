import { utils, type PublicKeyAuthContext } from 'ssh2';

/** RSA with SHA-1 (RFC 8332 3.3): its name is that of the key itself, and no hash is named beside it. */
export function isForgeable({ key, hashAlgo }: Pick<PublicKeyAuthContext, 'key' | 'hashAlgo'>): boolean {
  return key.algo === 'ssh-rsa' && hashAlgo === undefined;
}

/**
 * Whether the client has signed with this key (RFC 4252 7): the session and the request are in what it signed.
 *
 * @param line of OpenSSH's authorized_keys
 */
export function hasSigned({ blob, signature, hashAlgo }: Pick<PublicKeyAuthContext, 'blob' | 'signature' | 'hashAlgo'>, line: string): boolean {
  if (blob === undefined || signature === undefined) return false;
  const parsed = utils.parseKey(line);
  // A key of a security token (sk-…) is one that ssh2 cannot read.
  if (parsed instanceof Error || Array.isArray(parsed)) return false;
  // It answers an Error for a signature of another form than the key's, whatever its type says.
  const verdict: unknown = parsed.verify(blob, signature, hashAlgo);
  return verdict === true;
}
