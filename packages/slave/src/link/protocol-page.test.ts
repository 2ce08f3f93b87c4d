import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { agentFrameSchema } from '@paravcl/shared/protocol/agent-to-master';
import { commandSchema } from '@paravcl/shared/protocol/commands';
import { masterFrameSchema, refusedSchema } from '@paravcl/shared/protocol/master-to-agent';
import { mirrorPath, mirrorUpgrade } from '@paravcl/shared/chunks/mirror-messages';
import { agentDeltaPath, agentEnrolPath, agentImagePath, agentLinkPath, agentStreamPath, protocolVersion } from '@paravcl/shared/protocol/version';

const page = readFileSync(join(__dirname, '../../../../docs/protocol.md'), 'utf8');

const types = [...masterFrameSchema.options, ...agentFrameSchema.options].flatMap((option) => [...option.shape.type.values]);

// A row of a table, or an arrow of the connection's picture.
const named = [...page.matchAll(/^\| `([a-z-]+)` \||(?:── |◀──▶ |or )([a-z-]+)(?: \{|,)/gm)].map((match) => match[1] ?? match[2]);

test.each([...new Set(types)])('docs/protocol.md names the frame %s', (type) => {
  expect(named).toContain(type);
});

test('it names no frame that is not there', () => {
  expect([...new Set(named)].filter((name) => !types.includes(name as (typeof types)[number]))).toEqual([]);
});

test.each([...refusedSchema.shape.code.options])('it says what the agent does when refused as %s', (code) => {
  expect(page).toContain(`\`${code}\``);
});

test('it names the version, the paths and every command', () => {
  expect(page).toContain(`{"v": ${protocolVersion},`);
  for (const path of [agentLinkPath, agentEnrolPath, agentImagePath(':id'), agentDeltaPath(':id'), agentStreamPath, mirrorPath, mirrorUpgrade]) expect(page).toContain(path);
  for (const option of commandSchema.options) expect(page).toContain(`\`${[...option.shape.kind.values][0] ?? ''}\``);
});
