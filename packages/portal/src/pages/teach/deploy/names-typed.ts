/** User names out of what somebody typed: one a line, or with commas or blanks between; everybody once. */
export const namesTyped = (text: string): readonly string[] => [...new Set(text.split(/[\s,;]+/).filter((name) => name !== ''))];
