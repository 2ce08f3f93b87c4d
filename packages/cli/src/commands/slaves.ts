import type { Command } from 'commander';
import type { Act } from '../act';
import { addSlaveInstall } from './slaves/install';
import { addSlaveInstalls } from './slaves/installs';
import { addSlaveLists } from './slaves/lists';
import { addSlaveTokens } from './slaves/token';
import { addSlaveVerbs } from './slaves/verbs';

export function addSlaves(program: Command, act: Act): void {
  const noun = program.command('slaves').alias('slave').alias('hosts').description('hosts of the pool: approve, drain, empty, retire');
  for (const add of [addSlaveLists, addSlaveVerbs, addSlaveTokens, addSlaveInstall, addSlaveInstalls]) add(noun, act);
}
