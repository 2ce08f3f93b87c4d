/** How the machine's screen is shown: as large as it fits, point by point, or the machine is asked to make its screen as large as the window. */
export const scalings = ['fit', 'exact', 'resize'] as const;
export type Scaling = (typeof scalings)[number];

export interface ScreenSettings {
  readonly scaling: Scaling;
  /** Keys and mouse stay here. */
  readonly viewOnly: boolean;
}

const storageKey = 'paravcl.console.scaling';

/** The scaling is remembered on this browser; that one only looks is chosen anew each time. */
export function rememberedSettings(): ScreenSettings {
  const stored = localStorage.getItem(storageKey);
  return { scaling: scalings.find((scaling) => scaling === stored) ?? 'fit', viewOnly: false };
}

export function rememberScaling(scaling: Scaling): void {
  localStorage.setItem(storageKey, scaling);
}
