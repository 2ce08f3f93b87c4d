import { mayEditTemplate } from './may-edit-template';

const groups = [{ id: 'mine', ownerUserId: 'tess' }, { id: 'theirs', ownerUserId: 'tom' }];
const template = (createdByUserId: string, ownerGroupId: string | null) => ({ createdByUserId, ownerGroupId });

test('a teacher changes what they made and what their group owns, who runs the site everything', () => {
  const tess = { id: 'tess', role: 'teacher' } as const;
  expect(mayEditTemplate(tess, template('tess', null), groups)).toBe(true);
  expect(mayEditTemplate(tess, template('tom', 'mine'), groups)).toBe(true);
  expect(mayEditTemplate(tess, template('tom', 'theirs'), groups)).toBe(false);
  expect(mayEditTemplate(tess, template('tom', null), groups)).toBe(false);
  expect(mayEditTemplate({ id: 'op', role: 'operator' }, template('tom', null), groups)).toBe(true);
});
