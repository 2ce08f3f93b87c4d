/** In the order of a list that people read: by name, "lab-2" before "lab-10". */
export const byName = (language: string) => <Item extends { readonly name: string }>(all: readonly Item[]): readonly Item[] => [...all].sort((a, b) => a.name.localeCompare(b.name, language, { numeric: true }));
