import { cloudInitSchema, longestCloudInit as mastersLongest } from '@paravcl/shared/domain/template';
import { cloudInitFault, longestCloudInit } from './cloud-init-text';

const texts = ['#cloud-config\npackages: [git]\n', '#cloud-config   \n', 'packages: [git]', '\n#cloud-config', `#cloud-config\n${'a'.repeat(mastersLongest)}`, '#cloud-config\n\u0007', '#cloud-config\nname: "Ångström"\t\r\n'];

test.each(texts)('the form says of a text what the master would say (%#)', (text) => {
  expect(cloudInitFault(text) === null).toBe(cloudInitSchema.safeParse(text).success);
});

test('it names what is wrong', () => {
  expect(longestCloudInit).toBe(mastersLongest);
  expect(cloudInitFault('  \n')).toBeNull();
  expect(texts.map(cloudInitFault)).toEqual([null, null, 'beginning', 'beginning', 'length', 'characters', null]);
});
