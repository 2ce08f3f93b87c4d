import { tellCharacters } from './typed-text';

describe('characters that cannot be typed', () => {
  it('are shown as they are, and by their number where they have no shape', () => {
    expect(tellCharacters(['ï', '😀', '\u0007', '\u00a0', '\u0301'])).toBe('ï 😀 U+0007 U+00A0 U+0301');
  });

  it('are not all listed when they are many', () => {
    expect(tellCharacters([...'αβγδεζηθικλμν'])).toBe('α β γ δ ε ζ η θ ι κ λ μ …');
  });
});
