/** Who works on the files of an image; marked when the image is deleted meanwhile. */
export interface ImageHold {
  deleted: boolean;
}

/**
 * Invariant: the files of an image are written by one at a time, from the reading of its state to the end of its check.
 * Who finds an image `checking` while holding it has found a check that a fault cut short.
 */
export class ImageHolds {
  private readonly held = new Map<string, ImageHold>();

  /** Null when somebody else works on it. */
  take(imageId: string): ImageHold | null {
    if (this.held.has(imageId)) return null;
    const hold = { deleted: false };
    this.held.set(imageId, hold);
    return hold;
  }

  letGo(imageId: string): void {
    this.held.delete(imageId);
  }

  /** Whoever works on it takes its files away at the end. */
  markDeleted(imageId: string): void {
    const hold = this.held.get(imageId);
    if (hold !== undefined) hold.deleted = true;
  }
}
