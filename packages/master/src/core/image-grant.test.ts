import { imageGrant, startsFromAny, type GrantedVersion, type GuestStart } from './image-grant';

const version = (visibility: GrantedVersion['visibility'], id: string = visibility): GrantedVersion => ({ id, visibility });
const guest = (imageId: string, kernelId: string | null = null, ramdiskId: string | null = null): GuestStart => ({ imageId, kernelId, ramdiskId });

describe('the content of an image', () => {
  test('that no version gives out is given to nobody', () => {
    expect([imageGrant('dedicated', []), imageGrant('volunteer', [])]).toEqual(['none', 'none']);
  });

  test.each(['public', 'group', 'private'] as const)('that is %s is given to every dedicated slave', (visibility) => {
    expect(imageGrant('dedicated', [version(visibility)])).toBe('given');
  });

  test.each([['public', 'given'], ['group', 'for-its-guests'], ['private', 'for-its-guests']] as const)('that is %s is %s to a volunteer', (visibility, grant) => {
    expect(imageGrant('volunteer', [version(visibility)])).toBe(grant);
  });

  test('is public when one of its versions is', () => {
    expect(imageGrant('volunteer', [version('private'), version('public')])).toBe('given');
  });
});

describe('guests of a slave bind a version to it', () => {
  test.each([
    ['as their disk', guest('it')],
    ['as their kernel', guest('other', 'it')],
    ['as their ramdisk', guest('other', 'another', 'it')],
  ])('%s', (_, start) => {
    expect(startsFromAny([guest('other'), start], [version('private', 'twin'), version('private', 'it')])).toBe(true);
  });

  test('and nothing else does', () => {
    expect(startsFromAny([guest('other', 'kernel', 'ramdisk'), guest('another')], [version('private', 'it')])).toBe(false);
    expect(startsFromAny([], [version('private', 'it')])).toBe(false);
  });
});
