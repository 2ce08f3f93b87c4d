import { keysymOf, layouts, strokesOf, strokesOfText } from './keyboard-layouts';

const printable = Array.from({ length: 0x7f - 0x20 }, (_none, index) => String.fromCharCode(0x20 + index));

describe('typing a text', () => {
  it.each(layouts)('has a key for every printable character of ASCII on %s, none the same as another', (layout) => {
    const keys = printable.map((character) => {
      const strokes = strokesOf(layout, character);
      if (strokes === null) throw new Error(`${layout} has no key for ${character}.`);
      return strokes.map(({ code, held }) => [...held, code].join('+')).join(' ');
    });
    expect(new Set(keys).size).toBe(printable.length);
  });

  it('presses the place where the machine has the character', () => {
    expect(strokesOf('us', 'y')).toEqual([{ code: 'KeyY', keysym: 0x79, held: [] }]);
    expect(strokesOf('de', 'y')).toEqual([{ code: 'KeyZ', keysym: 0x79, held: [] }]);
    expect(strokesOf('us', '@')).toEqual([{ code: 'Digit2', keysym: 0x40, held: ['ShiftLeft'] }]);
    expect(strokesOf('de', '@')).toEqual([{ code: 'KeyQ', keysym: 0x40, held: ['AltRight'] }]);
    expect(strokesOf('de', 'Ü')).toEqual([{ code: 'BracketLeft', keysym: 0xdc, held: ['ShiftLeft'] }]);
  });

  it('presses space after a dead key', () => {
    expect(strokesOf('de', '^')?.map(({ code }) => code)).toEqual(['Backquote', 'Space']);
    expect(strokesOf('us', '^')?.map(({ code }) => code)).toEqual(['Digit6']);
  });

  it('types the ends of lines of every system as Enter', () => {
    expect(strokesOfText('us', 'a\r\nb\rc\n').strokes.map(({ code }) => code)).toEqual(['KeyA', 'Enter', 'KeyB', 'Enter', 'KeyC', 'Enter']);
  });

  it('says each character that it cannot type once', () => {
    expect(strokesOfText('us', 'naïve 😀😀 ß')).toMatchObject({ cannot: ['ï', '😀', 'ß'] });
    expect(strokesOfText('de', 'Straße')).toMatchObject({ cannot: [] });
  });

  it('names characters beyond Latin-1 by their code point', () => {
    expect(keysymOf('ä')).toBe(0xe4);
    expect(keysymOf('€')).toBe(0x0100_20ac);
  });
});
