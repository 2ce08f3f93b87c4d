import { emptyForm, faultsOf, launchBody, optionsQuery } from './wish';

const family = { kind: 'family', id: 'f' } as const;

describe('a launch', () => {
  it('says nothing of what is left to the image and the site', () => {
    expect(launchBody(family, emptyForm)).toEqual({ familyId: 'f', asSlave: false });
    expect(launchBody({ kind: 'template', id: 't' }, emptyForm)).toEqual({ templateId: 't', asSlave: false });
  });

  it('says sizes in MiB and time in minutes', () => {
    expect(launchBody(family, { ...emptyForm, name: ' db ', vcpus: '2', ramGiB: '1.5', diskGiB: '10', minutes: '120' })).toEqual({ familyId: 'f', asSlave: false, name: 'db', vcpus: 2, ramMiB: 1536, diskMiB: 10_240, minutes: 120 });
  });

  it('says whether the home volume comes along only when somebody chose', () => {
    expect(launchBody(family, { ...emptyForm, home: 'without' })).toMatchObject({ home: false });
    expect(launchBody(family, { ...emptyForm, home: 'with' })).toMatchObject({ home: true });
  });

  it('goes without the keys of the account when asked to', () => {
    expect(launchBody(family, { ...emptyForm, keys: 'none' })).toMatchObject({ sshPublicKeys: [] });
  });

  it('asks for its options with the same sizes and the same time', () => {
    expect(optionsQuery(family, { ...emptyForm, vcpus: '4', asSlave: true })).toEqual({ familyId: 'f', vcpus: 4, asSlave: 'true' });
    expect(optionsQuery(family, { ...emptyForm, minutes: '120' })).toEqual({ familyId: 'f', minutes: 120, asSlave: 'false' });
  });

  it.each([[{ vcpus: '2.5' }, 'vcpus'], [{ vcpus: '1e3' }, 'vcpus'], [{ ramGiB: '1e3' }, 'ramGiB'], [{ diskGiB: '-1' }, 'diskGiB']] as const)('finds the fault of %o', (change, field) => {
    expect(faultsOf({ ...emptyForm, ...change })).toEqual([field]);
  });

  it('has no fault in what is left to the image, nor in a part of a GiB', () => {
    expect(faultsOf(emptyForm)).toEqual([]);
    expect(faultsOf({ ...emptyForm, vcpus: '2', ramGiB: '0,5', diskGiB: '1.5' })).toEqual([]);
  });

  it('leaves out what is no number yet', () => {
    expect(optionsQuery(family, { ...emptyForm, ramGiB: '.' })).toEqual({ familyId: 'f', asSlave: 'false' });
  });
});
