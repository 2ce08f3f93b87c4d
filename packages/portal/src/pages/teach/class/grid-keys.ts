/** Which tile an arrow key, Home or End leads to; null for other keys and beyond the edge. */
export function neighbour(key: string, at: number, columns: number, count: number): number | null {
  const to = target(key, at, columns, count);
  return to === null || to < 0 || to >= count || to === at ? null : to;
}

function target(key: string, at: number, columns: number, count: number): number | null {
  switch (key) {
    case 'ArrowLeft':
      return at - 1;
    case 'ArrowRight':
      return at + 1;
    case 'ArrowUp':
      return at - columns;
    case 'ArrowDown':
      return at + columns;
    case 'Home':
      return 0;
    case 'End':
      return count - 1;
    default:
      return null;
  }
}
