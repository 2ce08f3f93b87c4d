import type { ComponentType } from 'react';

/** Something one does from the bar of a console. */
export interface BarItem {
  readonly key: string;
  readonly label: string;
  readonly description?: string | undefined;
  /** One of several that is chosen now. */
  readonly isChosen?: boolean;
  readonly isDisabled?: boolean;
  /** It opens a dialog, which has the focus until it is closed. */
  readonly isAsking?: boolean;
  readonly act: () => void;
}

export interface BarButton extends BarItem {
  readonly icon: ComponentType;
  /** Its label is only for who cannot see the icon, and for who points at it. */
  readonly isIconOnly?: boolean;
}

export interface BarItems {
  readonly key: string;
  readonly label: string;
  readonly icon: ComponentType;
  readonly items: readonly BarItem[];
  readonly note?: string;
}

/** A button of the bar, or a menu; where the bar is narrow, all of it is one menu. */
export type BarEntry = BarButton | BarItems;

export const isMenu = (entry: BarEntry): entry is BarItems => 'items' in entry;
