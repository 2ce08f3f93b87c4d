import type { ImageAnswer } from '@paravcl/shared/api/images';
import type { ImageFamily } from '@paravcl/shared/domain/image';
import type { Template } from '@paravcl/shared/domain/template';
import { findRunnable, runnables, runOf } from './what-to-run';

const family = (id: string, change: Partial<ImageFamily> = {}): ImageFamily => ({ id, kind: 'disk', name: id, description: '', productionImageId: 'v2', versionCount: 1, createdAt: '', ...change });
const image = (id: string, version: number, change: Partial<ImageAnswer> = {}): ImageAnswer => ({ id, kind: 'disk', familyName: 'Ubuntu', version, friendlyId: `EMI-${version}`, state: 'ready', defaultVcpus: 2, defaultRamMiB: 2048, ...change }) as ImageAnswer;
const template = (id: string, name: string): Template => ({ id, name, vcpus: 1, ramMiB: 512, minutes: 90 }) as Template;

test('templates, families in production and ready versions can be run, each with its sizes', () => {
  const all = runnables([template('t1', 'Networks')], [family('Ubuntu'), family('kernel', { kind: 'kernel' }), family('new', { productionImageId: null })], [image('v10', 10), image('v2', 2), image('old', 1, { state: 'deprecated' })]);
  expect(all.templates).toEqual([{ value: 'template:t1', name: 'Networks', vcpus: 1, ramMiB: 512, minutes: 90 }]);
  expect(all.families).toEqual([{ value: 'family:Ubuntu', name: 'Ubuntu', vcpus: 2, ramMiB: 2048, minutes: null }]);
  expect(all.versions.map(({ name }) => name)).toEqual(['Ubuntu 2 (EMI-2)', 'Ubuntu 10 (EMI-10)']);
  expect(findRunnable(all, 'image:v10')?.ramMiB).toBe(2048);
  expect(findRunnable(all, 'image:old')).toBeNull();
});

test('a request names exactly what was chosen', () => {
  expect(runOf('template:t1')).toEqual({ templateId: 't1' });
  expect(runOf('family:f1')).toEqual({ familyId: 'f1' });
  expect(runOf('image:v2')).toEqual({ imageId: 'v2' });
  expect(runOf('')).toEqual({});
});
