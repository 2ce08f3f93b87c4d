/** One thing that a doctor looked at: `paravcl-slave doctor` of a host, `paravcl doctor` of the way to a site. */
export interface Finding {
  /** Stable name of the check, for scripts. */
  readonly check: string;
  readonly state: 'ok' | 'warning' | 'fault';
  /** What is, with the thing's name and the number. */
  readonly sentence: string;
  /** The command that mends it, on a host to be typed as root; null when there is nothing to mend or no command can. */
  readonly mend: string | null;
}

export const ok = (check: string, sentence: string): Finding => ({ check, state: 'ok', sentence, mend: null });
export const warning = (check: string, sentence: string, mend: string | null): Finding => ({ check, state: 'warning', sentence, mend });
export const fault = (check: string, sentence: string, mend: string | null): Finding => ({ check, state: 'fault', sentence, mend });
