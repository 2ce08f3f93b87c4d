/** What a host signs with its agent's key (`paravcl-install.sh prove NONCE`), to prove to the master that has logged in there which slave it is. Never valid as a hello. */
export function hostProofSigningInput(nonce: string, slaveId: string): Buffer {
  return Buffer.from(`paravcl-host-proof-v1\n${nonce}\n${slaveId}`, 'utf8');
}
