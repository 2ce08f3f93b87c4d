import type { PolicySection } from '@paravcl/shared/api/site';
import type { MasterConfig } from './config';

/**
 * What the site has decided for its people and machines, section by section. Sections about the server itself are not here: where its
 * files, its database, its certificates and its secrets lie is nobody's to read over the network.
 */
const sections = {
  limits: 'What one student or teacher may have at a time.',
  instances: 'How long an instance runs before it is saved by itself.',
  quotas: 'What may run, should run or wait at a time, all together.',
  reservations: 'When, how long and how far ahead people may reserve.',
  priority: 'What counts how much when the pool is full.',
  preemption: 'How often and how carefully instances are suspended for others.',
  placement: 'Where instances go, and what is kept free.',
  participation: 'Whether students have to lend a machine of their own.',
  people: 'Which user names new people may have.',
  homes: 'Home volumes that go with whatever their owner runs.',
  guests: 'What an image that names no sizes of its own is launched with.',
  retention: 'How long the books are kept, and how long instances may lie unused.',
  deadlines: 'How long an instance may be on its way before it is called failed.',
  fleet: 'When a host that is silent counts as lost.',
  slaves: 'How hosts are emptied.',
  sessions: 'How long a login lasts.',
  login: 'How many wrong passwords are taken.',
  uploads: 'How large an image may be.',
} as const satisfies Readonly<Partial<Record<keyof MasterConfig, string>>>;

/** Sections of the configuration that are rules of the site, and the preset that is laid under them. */
export const ruleSections: readonly string[] = ['preset', ...Object.keys(sections)];

type Value = PolicySection['values'][number]['value'];

/** The configuration's sections that are policy, each value with the option that sets it. */
export function policyInForce(config: MasterConfig): readonly PolicySection[] {
  // What is left out of a quota is no limit.
  const inForce = { ...config, quotas: { ...config.quotas, user: { ...noQuota, ...config.quotas.user }, group: { ...noQuota, ...config.quotas.group } } };
  return Object.entries(sections).map(([name, sentence]) => ({ name, sentence, values: valuesOf(name, inForce[name as keyof typeof sections]) }));
}

const noQuota = { instances: null, vcpus: null, ramMiB: null, diskMiB: null };

function valuesOf(option: string, value: unknown): PolicySection['values'] {
  if (value === undefined) return [];
  if (typeof value !== 'object' || value === null) return [{ option, value: value as Value }];
  if (Array.isArray(value)) return [{ option, value: value.map(String) }];
  return Object.entries(value).flatMap(([name, inner]) => valuesOf(`${option}.${name}`, inner));
}
