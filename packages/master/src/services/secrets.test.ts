import { hashEnrolmentCode, hashSecret, newEnrolmentCode, newSecret } from './secrets';

test('secrets carry 32 random bytes and their prefix', () => {
  expect(newSecret('pvs')).toMatch(/^pvs_[\w-]{43}$/);
  expect(newSecret('pvs')).not.toBe(newSecret('pvs'));
  expect(hashSecret('x')).toMatch(/^[0-9a-f]{64}$/);
});

test('an enrolment code survives a blackboard: case, blanks, hyphens, O and 0, I, L and 1', () => {
  expect(newEnrolmentCode()).toMatch(/^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){2}$/);
  const hash = hashEnrolmentCode('K701-2XWD-9H1T');
  expect(hashEnrolmentCode(' k7oi 2xwd9hlt')).toBe(hash);
  expect(hashEnrolmentCode('K701-2XWD-9H1S')).not.toBe(hash);
});
