import type { Asked } from '@paravcl/shared/client/routes';

type HostCredential = Asked<'post /host-installs'>['body']['credential'];

/** What lets somebody in at a host, as it is being typed. It lives in the form alone and ends with it. */
export interface CredentialDraft {
  readonly kind: HostCredential['kind'];
  readonly password: string;
  readonly privateKey: string;
  readonly passphrase: string;
  readonly sudoPassword: string;
}

export const noCredential: CredentialDraft = { kind: 'password', password: '', privateKey: '', passphrase: '', sudoPassword: '' };

/** Whether there is enough of it to log in with. */
export function isComplete({ kind, password, privateKey }: CredentialDraft): boolean {
  return kind === 'password' ? password !== '' : privateKey.trim() !== '';
}

/** What is sent of it: nothing of the other kind, and a password for sudo only where the user needs one. */
export function credentialSent(user: string, { kind, password, privateKey, passphrase, sudoPassword }: CredentialDraft): { readonly credential: HostCredential; readonly sudoPassword?: string } {
  // Readers of keys want the end of the last line, which copying loses.
  const credential: HostCredential = kind === 'password' ? { kind, password } : { kind, privateKey: `${privateKey.trim()}\n`, ...(passphrase === '' ? {} : { passphrase }) };
  return { credential, ...(user === 'root' || sudoPassword === '' ? {} : { sudoPassword }) };
}
