import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { agentFrameSchema } from '@paravcl/shared/protocol/agent-to-master';
import { commandSchema } from '@paravcl/shared/protocol/commands';
import { masterFrameSchema, refusedSchema } from '@paravcl/shared/protocol/master-to-agent';
import { agentEnrolPath, agentImagePath, agentLinkPath, protocolVersion } from '@paravcl/shared/protocol/version';

const page = readFileSync(join(__dirname, '../../../../docs/protocol.md'), 'utf8');

const types = [...masterFrameSchema.options, ...agentFrameSchema.options].flatMap((option) => [...option.shape.type.values]);

test.each([...new Set(types)])('docs/protocol.md names the frame %s', (type) => {
  expect(page).toContain(`| \`${type}\` |`);
});

test('it names no frame that is not there', () => {
  const named = [...page.matchAll(/^\| (?:master|agent|both) \| `([a-z-]+)` \|/gm)].map((match) => match[1]);
  expect(named.sort()).toEqual([...new Set(types)].sort());
});

test.each([...refusedSchema.shape.code.options])('it says what the agent does when refused as %s', (code) => {
  expect(page).toContain(`\`${code}\``);
});

test('it names the version, the paths and every command', () => {
  expect(page).toContain(`Version ${protocolVersion};`);
  for (const path of [agentLinkPath, agentEnrolPath, agentImagePath('ID')]) expect(page).toContain(path);
  for (const option of commandSchema.options) expect(page).toContain([...option.shape.kind.values][0]?.replace('-', ' '));
});
