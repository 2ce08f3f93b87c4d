import { insertText, listText, valueText } from './insert-text';

test('rows are one statement, without the columns that are empty in all of them', () => {
  const rows = [{ id: 'a', count: 1, reason: null, at: new Date(Date.UTC(2026, 10, 30, 22, 49, 52, 7)) }, { id: 'b', count: 2.5, reason: undefined, seen: true, at: null }];
  expect(insertText('things', rows)).toBe("INSERT INTO `things` (`id`,`count`,`at`,`seen`) VALUES ('a',1,'2026-11-30 22:49:52.007',NULL),('b',2.5,NULL,1)");
});

test('nothing that stands between quotes ends them', () => {
  expect(listText(["it's", 'back\\slash', 'nul\0', '"?"'])).toBe("'it\\'s', 'back\\\\slash', 'nul\\0', '\"?\"'");
});

test('bytes are written as hexadecimal digits', () => {
  expect(valueText(Buffer.from([0, 39, 255]).subarray(1))).toBe("X'27ff'");
});

test.each([[NaN], [Infinity], [{}], [['a']], [Symbol('a')], [new Date(NaN)]])('%p is no value of a column', (value) => {
  expect(() => valueText(value)).toThrow(/no value of a column|Invalid time value/);
});

test.each(['a`b', 'A', '', 'a b', 'a;b'])('%p is no name of a column', (name) => {
  expect(() => insertText('things', [{ [name]: 1 }])).toThrow(TypeError);
});
