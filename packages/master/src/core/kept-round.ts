import type { Ask } from './answers';
import type { PlacementPolicy } from './rank';
import { Round, usualSizes, type RoundSizes } from './round';
import type { Rules, SlaveView, Snapshot } from './snapshot';

/** Where more than this share of the slaves is new, making all of it anew costs no more. */
const shareRenewedAtMost = 0.25;

/**
 * A round that is kept for the next one: most slaves of a large pool are then as they were. What the round before
 * promised is undone, slaves about which something is new are written anew, and every answer is the one that a round made
 * anew gives. Views are values: the same view says the same.
 */
export class KeptRound {
  private kept: { readonly round: Round; readonly given: readonly SlaveView[]; readonly placement: PlacementPolicy; readonly ask: Ask; readonly rules: Rules } | null = null;

  constructor(
    private readonly renewedAtMost = shareRenewedAtMost,
    private readonly sizes: RoundSizes = usualSizes,
  ) {}

  /** A round over this world. The one that was begun before is over. */
  begin(snapshot: Snapshot, placement: PlacementPolicy, ask: Ask): Round {
    const { kept } = this;
    const renewed = kept?.placement === placement && kept.ask === ask && areEqual(kept.rules, snapshot.rules) ? renewedOf(kept.given, snapshot.slaves, this.renewedAtMost) : null;
    // Should beginning fail half way, nothing of it is taken for true.
    this.kept = null;
    const round = kept === null || renewed === null ? new Round(snapshot, placement, ask, this.sizes) : kept.round;
    if (renewed !== null) round.begin(snapshot, renewed);
    this.kept = { round, given: snapshot.slaves, placement, ask, rules: snapshot.rules };
    return round;
  }
}

/** Slaves that are other values than before; null when slaves came or went, or when most are. */
function renewedOf(before: readonly SlaveView[], now: readonly SlaveView[], share: number): readonly SlaveView[] | null {
  if (before.length !== now.length) return null;
  const most = share * now.length;
  const renewed: SlaveView[] = [];
  for (let at = 0; at < now.length; at++) {
    const [old, view] = [before[at] as SlaveView, now[at] as SlaveView];
    if (old === view) continue;
    if (old.id !== view.id || renewed.length >= most) return null;
    renewed.push(view);
  }
  return renewed;
}

function areEqual(a: Rules, b: Rules): boolean {
  const [some, others] = [Object.entries(a), Object.entries(b)];
  return some.length === others.length && some.every(([name, value]) => b[name as keyof Rules] === value);
}
