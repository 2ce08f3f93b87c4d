import { sayFault } from '@paravcl/shared/say-fault';
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { parse, YAMLParseError } from 'yaml';
import { z } from 'zod';
import { configSchema, type MasterConfig } from './config';

const prefix = 'PARAVCL_MASTER_';

/** The configuration cannot be used; `faults` holds every fault, one sentence each. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  constructor(readonly faults: readonly string[]) {
    super(`The configuration cannot be used:\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
  }
}

/** Read when it is there and no other file is named; the unit's ConfigurationDirectory. */
export const defaultConfigFile = '/etc/paravcl/master.yaml';

/** The file that was named, or the default one when it is there; null: defaults and environment only. */
export function configFile(named: string | undefined, byDefault = defaultConfigFile): string | null {
  if (named !== undefined) return named;
  try {
    statSync(byDefault);
  } catch (error) {
    // One that is there and cannot be reached must not pass for none: reading it says why.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
  }
  return byDefault;
}

/**
 * Reads the YAML file (none: defaults only), lays the environment over it and checks everything; opens
 * nothing else. A variable is the option's path in capitals: `listen.port` is `PARAVCL_MASTER_LISTEN_PORT`,
 * `tls.certFile` is `PARAVCL_MASTER_TLS_CERT_FILE`. Lists are written as in YAML: `[a, b]`.
 *
 * Throws ConfigError with all faults at once.
 */
export function loadConfig(file: string | null, environment: Environment): MasterConfig {
  return configOf({ file, environment }, []);
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Where a master has its configuration from, and would have it again at its next start. */
export interface ConfigSource {
  readonly file: string | null;
  readonly environment: Environment;
}

/**
 * The configuration that the next start would have, were these lines in the file. Lines are only taken of the named sections.
 * Throws ConfigError with all faults at once.
 */
export function configWith(lines: string, sections: readonly string[], source: ConfigSource): MasterConfig {
  const faults: string[] = [];
  const laid = parseYaml(lines, 'these lines', faults);
  for (const name of Object.keys(laid)) {
    if (!sections.includes(name)) faults.push(`${name}: is no rule of the site. It is set in the file, on the master itself.`);
  }
  if (faults.length > 0) throw new ConfigError(faults);
  return configOf(source, [laid]);
}

function configOf({ file, environment }: ConfigSource, laid: readonly Settings[]): MasterConfig {
  const faults: string[] = [];
  const settings = laid.reduce(laidOver, file === null ? {} : readYaml(file, faults));
  const overlaid = overlayEnvironment(settings, environment, faults);
  const parsed = configSchema.safeParse(overlaid);
  if (!parsed.success) faults.push(...parsed.error.issues.flatMap((issue) => describeIssue(issue)));
  else faults.push(...checkFiles(parsed.data));
  if (!parsed.success || faults.length > 0) throw new ConfigError(faults);
  return parsed.data;
}

function firstLine(error: unknown): string {
  return String((error as Partial<Error>).message).split('\n')[0] ?? '';
}

type Settings = Record<string, unknown>;

function readYaml(file: string, faults: string[]): Settings {
  try {
    return parseYaml(readFileSync(file, 'utf8'), file, faults);
  } catch (error) {
    faults.push(`${file}: ${firstLine(error)}`);
    return {};
  }
}

function parseYaml(text: string, where: string, faults: string[]): Settings {
  try {
    const content = parse(text) as unknown;
    if (content === null) return {};
    if (isSettings(content)) return content;
    faults.push(`${where}: must be a list of "option: value" lines.`);
  } catch (error) {
    const line = error instanceof YAMLParseError ? error.linePos?.[0].line : undefined;
    faults.push(`${where}${line === undefined ? '' : ` line ${String(line)}`}: ${firstLine(error)}`);
  }
  return {};
}

const isSettings = (value: unknown): value is Settings => typeof value === 'object' && value !== null && !Array.isArray(value);

function laidOver(below: Settings, above: Settings): Settings {
  const both = { ...below };
  for (const [name, value] of Object.entries(above)) {
    const there = both[name];
    both[name] = isSettings(value) && isSettings(there) ? laidOver(there, value) : value;
  }
  return both;
}

function overlayEnvironment(settings: Settings, environment: Readonly<Record<string, string | undefined>>, faults: string[]): Settings {
  const known = variables(configSchema);
  const overlaid = structuredClone(settings);
  for (const [name, text] of Object.entries(environment)) {
    if (!name.startsWith(prefix) || text === undefined) continue;
    const option = known.get(name);
    if (option === undefined) {
      faults.push(`${name}: there is no such option; ${wayOut(name, known)}.`);
      continue;
    }
    place(overlaid, option.path, valueOf(option.schema, text));
  }
  return overlaid;
}

/** What is keyed by names of groups has no variable for each: names are not capitals. */
function wayOut(name: string, known: ReadonlyMap<string, Option>): string {
  const whole = [...known].find(([variable, { schema }]) => name.startsWith(`${variable}_`) && unwrapped(schema) instanceof z.ZodRecord)?.[0];
  return whole === undefined
    ? "a variable is an option's path in capitals, as PARAVCL_MASTER_LISTEN_PORT for listen.port"
    : `write what groups have of their own into the file, or all of it into one variable: ${whole}='{"name of the group": {…}}'`;
}

/** Text where text is meant ("123" as a name), else the value as YAML reads it (numbers, lists). */
function valueOf(schema: z.ZodType, text: string): unknown {
  if (schema.safeParse(text).success) return text;
  try {
    return parse(text) as unknown;
  } catch {
    return text;
  }
}

function place(settings: Settings, path: readonly string[], value: unknown): void {
  const [first, ...rest] = path;
  if (first === undefined) return;
  if (rest.length === 0) {
    settings[first] = value;
    return;
  }
  const inner = settings[first];
  const section: Settings = typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? (inner as Settings) : {};
  settings[first] = section;
  place(section, rest, value);
}

/** The last part of every option's path. */
export function optionNames(): readonly string[] {
  return [...variables(configSchema).values()].map(({ path }) => path.at(-1) ?? '');
}

interface Option {
  readonly path: readonly string[];
  readonly schema: z.ZodType;
}

/** Every option by the name of its variable. */
function variables(schema: z.ZodType, path: readonly string[] = []): ReadonlyMap<string, Option> {
  const inner = unwrapped(schema);
  if (inner instanceof z.ZodObject) {
    return new Map(Object.entries(inner.shape as Record<string, z.ZodType>).flatMap(([key, part]) => [...variables(part, [...path, key])]));
  }
  return new Map([[prefix + path.map((part) => part.replace(/(?<=[a-z])[A-Z](?=[a-z])/g, '_$&').toUpperCase()).join('_'), { path, schema }]]);
}

function unwrapped(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodReadonly || schema instanceof z.ZodPrefault || schema instanceof z.ZodDefault || schema instanceof z.ZodOptional) {
    return unwrapped(schema.unwrap() as z.ZodType);
  }
  if (!(schema instanceof z.ZodPipe)) return schema;
  // What is done to the whole input before it is checked (the preset) stands in front, what is made of it behind.
  return unwrapped((schema.in instanceof z.ZodTransform ? schema.out : schema.in) as z.ZodType);
}

function describeIssue(issue: z.core.$ZodIssue): readonly string[] {
  const at = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => `${[at, key].filter((part) => part !== '').join('.')}: there is no such option.`);
  return [`${at === '' ? 'the whole' : at}: ${sayFault(issue)}.`];
}

/** Named files must be there and readable, and files with secrets not readable to everybody. */
function checkFiles(config: MasterConfig): readonly string[] {
  const { store } = config.images;
  const secretKeyFile = store.backend === 's3' ? store.secretKeyFile : undefined;
  const open = { 'tls.certFile': config.tls.certFile, 'tls.caFile': config.tls.caFile, 'database.caFile': config.database.caFile };
  const secret = { 'tls.keyFile': config.tls.keyFile, 'database.passwordFile': config.database.passwordFile, 'mail.passwordFile': config.mail?.passwordFile, 'metrics.tokenFile': config.metrics.tokenFile, 'images.store.secretKeyFile': secretKeyFile };
  return [
    ...Object.entries(open).flatMap(([option, file]) => checkFile(option, file, false)),
    ...Object.entries(secret).flatMap(([option, file]) => checkFile(option, file, true)),
  ];
}

function checkFile(option: string, file: string | undefined, secret: boolean): readonly string[] {
  if (file === undefined) return [];
  try {
    accessSync(file, constants.R_OK);
    const stat = statSync(file);
    if (!stat.isFile()) return [`${option}: ${file} is not a file.`];
    if (secret && (stat.mode & 0o007) !== 0) return [`${option}: ${file} is open to every user of this machine; run: chmod o= ${file}`];
    return [];
  } catch (error) {
    return [`${option}: ${file} cannot be read (${firstLine(error)}).`];
  }
}
