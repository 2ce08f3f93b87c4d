import type { Role } from '@paravcl/shared/domain/people';
import type { ComponentType } from 'react';

/** A page of who is logged in. Each area of the portal lists its own in its `pages.ts`. */
export interface Page {
  /** Of the router. */
  readonly path: string;
  /** Loaded when it is opened (`lazy`). */
  readonly component: ComponentType;
  /** Where it stands in the navigation, and its words as namespace:key; absent: one gets there from another page. */
  readonly nav?: { readonly words: string; readonly section: 'mine' | 'teach' | 'run' };
  /** Whose navigation has it; what they may is decided by the master. Absent: everybody's. */
  readonly roles?: readonly Role[];
  /** True: it fills the window, without masthead and navigation. */
  readonly bare?: true;
}
