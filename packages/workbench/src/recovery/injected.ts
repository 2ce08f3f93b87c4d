/** A fault that was injected. */
export interface Injected {
  /** What was done, for the run's log. */
  readonly what: string;
  /** It took effect only after a wait: what it met is looked at again. */
  readonly cameLater?: true;
  /** How long it lasts before it is healed. */
  readonly holdMs: number;
  /** Makes good again what was broken, as systemd, a cable or a person would. Throws when that fails. */
  readonly heal: () => Promise<void>;
}
