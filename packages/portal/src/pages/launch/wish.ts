import type { Asked } from '@paravcl/shared/client/routes';
import { mibTyped } from '../../states/gib';
import { wholeNumber } from '../../states/whole-number';
import type { Choice } from './choices';

/** What the form of a launch says; '' is what the image, the template or the site says. */
export interface LaunchForm {
  readonly name: string;
  readonly vcpus: string;
  readonly ramGiB: string;
  readonly diskGiB: string;
  /** '': the default. */
  readonly minutes: string;
  readonly asSlave: boolean;
  /** `auto`: with the home volume where it is free. */
  readonly home: 'auto' | 'with' | 'without';
  readonly keys: 'account' | 'none';
}

export const emptyForm: LaunchForm = { name: '', vcpus: '', ramGiB: '', diskGiB: '', minutes: '', asSlave: false, home: 'auto', keys: 'account' };

export type SizeField = 'vcpus' | 'ramGiB' | 'diskGiB';

/** Fields of the size whose text is no number of what belongs there. What is too much is said by the master, who knows the limits. */
export function faultsOf(form: Pick<LaunchForm, SizeField>): readonly SizeField[] {
  const isGiB = (text: string): boolean => text.trim() === '' || mibTyped(text) !== null;
  const isRight = { vcpus: !Number.isNaN(wholeNumber(form.vcpus)), ramGiB: isGiB(form.ramGiB), diskGiB: isGiB(form.diskGiB) };
  return (['vcpus', 'ramGiB', 'diskGiB'] as const).filter((field) => !isRight[field]);
}

/** Those that are said and right. */
function sizesOf(form: Pick<LaunchForm, SizeField>): { readonly vcpus?: number; readonly ramMiB?: number; readonly diskMiB?: number } {
  const vcpus = wholeNumber(form.vcpus);
  return said<{ vcpus: number; ramMiB: number; diskMiB: number }>({ vcpus: Number.isNaN(vcpus) ? undefined : vcpus, ramMiB: mibTyped(form.ramGiB) ?? undefined, diskMiB: mibTyped(form.diskGiB) ?? undefined });
}

/** Without what nothing is said of. */
function said<T extends object>(all: { readonly [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as T;
}

/** What a choice runs, as the master is asked for it. */
export const runs = ({ kind, id }: Pick<Choice, 'kind' | 'id'>): { readonly templateId?: string; readonly familyId?: string } => (kind === 'template' ? { templateId: id } : { familyId: id });

/** What the master is asked about a launch like this. */
export function optionsQuery(choice: Pick<Choice, 'kind' | 'id'>, form: LaunchForm): NonNullable<Asked<'get /launch-options'>['query']> {
  return { ...runs(choice), ...sizesOf(form), ...(form.minutes === '' ? {} : { minutes: Number(form.minutes) }), asSlave: form.asSlave ? 'true' : 'false' };
}

/** The request itself. */
export function launchBody(choice: Pick<Choice, 'kind' | 'id'>, form: LaunchForm): NonNullable<Asked<'post /instances'>['body']> {
  return {
    ...runs(choice),
    ...sizesOf(form),
    ...said<{ name: string; minutes: number; home: boolean; sshPublicKeys: string[] }>({
      name: form.name.trim() === '' ? undefined : form.name.trim(),
      minutes: wholeNumber(form.minutes),
      home: form.home === 'auto' ? undefined : form.home === 'with',
      sshPublicKeys: form.keys === 'none' ? [] : undefined,
    }),
    asSlave: form.asSlave,
  };
}
