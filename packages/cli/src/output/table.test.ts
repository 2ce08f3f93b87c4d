import { tableLines, widthOf, type Column } from './table';

const plain = (_colour: string, text: string): string => text;
interface Row {
  readonly name: string;
  readonly cores: number;
}
const columns: readonly Column<Row>[] = [
  { title: 'NAME', cell: ({ name }) => name },
  { title: 'CORES', cell: ({ cores }) => String(cores), align: 'right' },
  { title: 'NOTE', cell: () => '' },
];

it('aligns what stands in its columns, also where characters are wide', () => {
  expect(tableLines(columns, [{ name: 'web', cores: 2 }, { name: '計算機', cores: 16 }], plain)).toEqual(['NAME    CORES  NOTE', 'web         2  -', '計算機     16  -']);
});

it('paints what it shows and not the blanks, so that colours move nothing', () => {
  const painted = tableLines([{ title: 'A', cell: () => ({ text: 'x', colour: 'red' as const }) }, { title: 'B', cell: () => 'y' }], [{}], (colour, text) => `<${colour}>${text}</>`);
  expect(painted[1]).toBe('<red>x</>  y');
});

it('lets no name command the terminal', () => {
  const [, line = ''] = tableLines(columns, [{ name: 'a\u001b[2Jb\nc\u202e', cores: 1 }], plain);
  expect(line).toContain('a\\u001b[2Jb c\\u202e');
});

it('counts marks that combine as nothing', () => {
  expect([widthOf('e\u0301'), widthOf('日本'), widthOf('abc')]).toEqual([1, 4, 3]);
});
