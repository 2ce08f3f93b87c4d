import { element, readXml, writeXml } from './xml';

describe('XML', () => {
  it('escapes values and reads them back', () => {
    const written = writeXml(element('a', { k: `<&>"'` }, [element('b', {}, ` <&>"' ]]> `), element('c')]));
    expect(readXml(written)).toEqual(element('a', { k: `<&>"'` }, [element('b', {}, ` <&>"' ]]> `), element('c')]));
  });

  it('does not unescape twice', () => {
    expect(readXml('<a k="&amp;lt;">&amp;amp;</a>')).toMatchObject({ attributes: { k: '&lt;' }, text: '&amp;' });
  });

  it('reads character references and leaves unknown entities alone', () => {
    expect(readXml('<a>&#65;&#x42;&#x110000;&other;</a>').text).toBe('AB&#x110000;&other;');
  });

  it('expands no entity of a document type', () => {
    expect(readXml('<!DOCTYPE a [<!ENTITY x "boom">]><a>&x;</a>').text).toBe('&x;');
  });

  it('refuses what is no document', () => {
    expect(() => readXml('error: nothing')).toThrow(/no XML element/);
  });

  it('refuses to write what XML cannot carry', () => {
    expect(() => writeXml(element('a', {}, '\u0000'))).toThrow(RangeError);
    expect(() => writeXml(element('a', { k: '\ud800' }))).toThrow(RangeError);
  });
});
