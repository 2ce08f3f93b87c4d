import { NotFound } from '../errors/refusal';
import { pick } from './resolve';

const things = [
  { id: '01a22ac4-f4c7-7588-8be6-eb1fbd0f41b4', name: 'web' },
  { id: '01a22ac4-0000-7588-8be6-eb1fbd0f41b5', name: 'Web' },
  { id: '01b22ac4-0000-7588-8be6-eb1fbd0f41b6', name: 'twin' },
  { id: '01c22ac4-0000-7588-8be6-eb1fbd0f41b7', name: 'twin' },
];
const found = (said: string): string => pick(things, said, { noun: 'instance', list: 'paravcl instances list', as: ({ id, name }) => ({ id, names: [name], more: 'running' }) }).id.slice(0, 13);

it('finds a thing by its name, its id or the beginning of that', () => {
  expect(['web', 'Web', '01A22AC4-F4C7-7588-8be6-eb1fbd0f41b4', '01a22ac4-f4c7'].map(found)).toEqual(['01a22ac4-f4c7', '01a22ac4-0000', '01a22ac4-f4c7', '01a22ac4-f4c7']);
});

it('says which ones there are when a name is that of several', () => {
  expect(() => found('twin')).toThrow(/names 2 instances: 01b22ac4-.* \(running\), 01c22ac4-.*Say which by its id/);
  expect(() => found('WEB')).toThrow(/names 2 instances/);
  expect(() => found('01a22ac4')).toThrow(/names 2 instances/);
});

it('says that there is none', () => {
  expect(() => found('db')).toThrow(new NotFound('There is no instance "db", or it is not yours to see.'));
  expect(() => found('db')).toThrow(NotFound);
  expect(() => found('twin')).not.toThrow(NotFound);
});

it('names the versions when the name is that of all of them, or of the only one', () => {
  const versions = [2, 1].map((version) => ({ id: `01d22ac4-0000-7588-8be6-eb1fbd0f41b${String(version)}`, name: `Ubuntu:${String(version)}` }));
  const version = (said: string): string => pick(versions, said, { noun: 'image', list: 'paravcl images list', as: ({ id, name }) => ({ id, names: [name], more: 'ready' }) }).name;
  expect(() => version('ubuntu')).toThrow(new NotFound('"ubuntu" is the name of several versions, and one is meant: Ubuntu:2, Ubuntu:1.'));
  expect(version('ubuntu:1')).toBe('Ubuntu:1');
  versions.shift();
  expect(() => version('ubuntu')).toThrow(new NotFound('"ubuntu" is the name of an image, and a version of it is meant; it has one: Ubuntu:1.'));
});
