import type { ImageAnswer } from '@paravcl/shared/api/images';
import { familiesOf } from './families-of';

const version = (familyName: string, number: number): ImageAnswer => ({ familyId: familyName, familyName, version: number }) as ImageAnswer;

describe('the families of images', () => {
  it('stand by their names, each with its newest version first', () => {
    const shown = familiesOf([version('Ubuntu', 1), version('Debian', 2), version('Ubuntu', 10), version('Debian', 1)], 'en');
    expect(shown.map(({ name, versions }) => [name, versions.map((each) => each.version)])).toEqual([['Debian', [2, 1]], ['Ubuntu', [10, 1]]]);
  });
});
