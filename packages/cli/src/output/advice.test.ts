import { execFileSync } from 'node:child_process';
import { sayError } from '../errors/say-error';
import { ApiProblem } from '@paravcl/shared/client/api-problem';
import { findingsOf } from '../doctor/look-at-site';
import { nextAction } from '../commands/instances/next-action';
import { nextForSlave } from '../commands/slaves/standing';
import type { SlaveItem } from '../names/kinds';
import { shellWord } from '@paravcl/shared/shell-quote';
import { line } from './advice';

const evil = "pc'; touch $(id -u) `id`\n#\"\\";
const id = '01a22ac4-f4c7-7588-8be6-eb1fbd0f41b4';

/** What a shell makes of a command: its words. */
const wordsOf = (command: string): readonly string[] => execFileSync('/bin/sh', ['-c', `set -- ${command}\nprintf '%s\\0' "$@"`]).toString().split('\0').slice(0, -1);

it('puts each value into a command as one word, whatever is written in it', () => {
  for (const word of ['lab-pc-07', 'CL II, week 3', evil, '', '~root', '*', 'ünï', "''"]) expect(wordsOf(line`paravcl slaves approve ${word} --force`)).toEqual(['paravcl', 'slaves', 'approve', word, '--force']);
  expect(line`paravcl login ${'https://lab.example:8443'}`).toBe('paravcl login https://lab.example:8443');
  expect(shellWord("it's")).toBe(`'it'\\''s'`);
});

it('names by its id what would be read as an option', () => {
  expect(line`paravcl slaves show ${{ id, name: '--help' }}`).toBe(`paravcl slaves show ${id}`);
  expect(line`paravcl slaves show ${{ id, name: 'CL II' }}`).toBe("paravcl slaves show 'CL II'");
});

it('advises no command that a name of the site has put in', () => {
  const host = { id, name: evil, admission: 'pending', admissionReason: null, liveness: 'online', warnings: ['Its pool is full.'], lastSeenAt: null, evacuation: null } as unknown as SlaveItem;
  const instance = { id, name: evil, observed: 'running', recycledAt: null, desired: 'running' } as const;
  const refused = sayError(new ApiProblem({ status: 409, code: 'conflict', detail: 'No.', dependents: [{ type: 'instance', id, name: evil, how: 'uses it' }] }), { origin: null, byEnvironment: false, noun: null, list: null, command: null });
  const said = [nextForSlave(host), nextAction(instance), refused.error.try, ...findingsOf(host).map(({ mend }) => mend)];
  expect(said).toHaveLength(5);
  for (const one of said) expect(wordsOf(one ?? '').map((word) => word.replace(/:$/, ''))).toContain(evil);
});
