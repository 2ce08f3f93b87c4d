import { cloudInitSchema } from '@paravcl/shared/domain/template';
import { requireCloudConfig } from './cloud-init-text';

test.each(['#cloud-config\npackages: [git]\n', '#cloud-config\r\nruncmd:\r\n  - "echo ü"\r\n', '#cloud-config\n{}\n'])('%j is taken', (text) => {
  expect(cloudInitSchema.parse(text)).toBe(text);
  expect(() => requireCloudConfig(text)).not.toThrow();
});

test.each([
  ['a script', '#!/bin/sh\nreboot\n'],
  ['text before the first line', '\n#cloud-config\na: 1\n'],
  ['another header', '#cloud-config-archive\n- a\n'],
  ['a control character', '#cloud-config\na: "\u0007"\n'],
  ['half a surrogate pair', '#cloud-config\na: "\ud800"\n'],
  ['16,385 characters', `#cloud-config\n# ${'x'.repeat(16_385 - 16)}\n`],
])('%s is refused by its schema', (_what, text) => {
  expect(cloudInitSchema.safeParse(text).success).toBe(false);
});

test.each([
  ['a list', '#cloud-config\n- a\n'],
  ['nothing', '#cloud-config\n'],
  ['a broken indentation', '#cloud-config\na:\n  b: 1\n c: 2\n'],
  ['an open quote', '#cloud-config\na: "b\n'],
  ['the same key twice', '#cloud-config\na: 1\na: 2\n'],
  ['two documents', '#cloud-config\na: 1\n---\nb: 2\n'],
])('%s is refused, with what to do', (_what, text) => {
  expect(() => requireCloudConfig(text)).toThrow(expect.objectContaining({ code: 'invalid-input', detail: expect.objectContaining({ field: 'cloudInit' }) as unknown, message: expect.stringContaining('cloud-init schema') as string }));
});

test('aliases that would swell are not followed', () => {
  const bomb = ['#cloud-config', 'a: &a [x, x, x, x, x, x, x, x]', ...'bcdefghi'.split('').map((key, at) => `${key}: &${key} [${Array(8).fill(`*${'abcdefghi'[at] ?? ''}`).join(', ')}]`)].join('\n');
  const began = process.hrtime.bigint();
  expect(() => requireCloudConfig(bomb)).not.toThrow();
  expect(Number(process.hrtime.bigint() - began) / 1e6).toBeLessThan(1000);
});
