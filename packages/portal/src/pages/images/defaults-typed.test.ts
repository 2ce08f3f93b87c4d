import { defaultsTyped, textsOfDefaults } from './defaults-typed';

describe('how an image boots, as it is typed', () => {
  it('comes back as it was', () => {
    const image = { defaultVcpus: 2, defaultRamMiB: null, platformValue: 1.5, kernelArguments: 'quiet' };
    expect(defaultsTyped(textsOfDefaults(image))).toEqual(image);
  });

  it('is nothing while a size is no whole number', () => {
    expect(defaultsTyped({ vcpus: '1.5', ramMiB: '', platformValue: '1', kernelArguments: '' })).toBeNull();
  });
});
