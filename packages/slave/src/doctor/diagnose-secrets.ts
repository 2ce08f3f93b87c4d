import { fault, ok, type Finding } from '@paravcl/shared/finding';

export interface SecretFile {
  readonly path: string;
  readonly uid: number;
  readonly mode: number;
}

/** Keys anybody else can read are keys anybody else has. */
export function diagnoseSecrets(files: readonly SecretFile[], ownUid: number): readonly Finding[] {
  return files.map(({ path, uid, mode }) => {
    const octal = (mode & 0o777).toString(8).padStart(4, '0');
    if ((mode & 0o077) !== 0) return fault('key-file', `${path} has mode ${octal}: others on this host can read or change the agent's key.`, `chmod 600 ${path}`);
    if (uid !== ownUid && uid !== 0) return fault('key-file', `${path} belongs to user ${uid}, not to the agent.`, `chown ${ownUid} ${path}`);
    return ok('key-file', `${path} is closed to others (mode ${octal}).`);
  });
}
