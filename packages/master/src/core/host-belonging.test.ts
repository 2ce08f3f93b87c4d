import { judgeBelonging, type Belonging } from './host-belonging';

const lab: Belonging = { kind: 'dedicated', owner: null };
const of = (userName: string): Belonging => ({ kind: 'volunteer', owner: { userId: `id-of-${userName}`, userName } });
const judged = (is: Belonging, asked: Belonging): readonly (string | null)[] => judgeBelonging({ ...is, name: 'lab pc' }, asked).flatMap(({ sentence, remedy }) => [sentence, remedy]);

test('what is as it was asked for is not told', () => {
  expect([judged(lab, lab), judged(of('alice'), of('alice'))]).toEqual([[], []]);
});

test('nothing is told to who brings a volunteer up to date and says nothing of whose it is', () => {
  expect(judged(of('alice'), lab)).toEqual([]);
});

test('another kind or owner than was asked for is told, with the command that changes it', () => {
  expect(judged(lab, of('alice'))).toEqual([
    'lab pc is in the pool already as a host of the lab, and stays that: a volunteer of alice was asked for, which counts only for a host that has yet to enrol.',
    "To change it: paravcl slaves edit 'lab pc' --kind volunteer --owner id-of-alice; administrators also on its page in the portal.",
  ]);
  expect(judged(of('alice'), of('bob'))[1]).toContain('--kind volunteer --owner id-of-bob;');
});
