import type { Asked } from '../../api/contracts';
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

const whole = (text: string): number | undefined => (text.trim() === '' || !Number.isFinite(Number(text)) ? undefined : Number(text));
const mib = (gib: string): number | undefined => {
  const value = whole(gib);
  return value === undefined ? undefined : Math.round(value * 1024);
};

/** Without what nothing is said of. */
function said<T extends object>(all: { readonly [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as T;
}

const runs = ({ kind, id }: Pick<Choice, 'kind' | 'id'>): { readonly templateId?: string; readonly familyId?: string } => (kind === 'template' ? { templateId: id } : { familyId: id });

/** What the master is asked about a launch like this. */
export function optionsQuery(choice: Pick<Choice, 'kind' | 'id'>, form: LaunchForm): NonNullable<Asked<'get /launch-options'>['query']> {
  return { ...runs(choice), ...said<{ vcpus: number; ramMiB: number; diskMiB: number }>({ vcpus: whole(form.vcpus), ramMiB: mib(form.ramGiB), diskMiB: mib(form.diskGiB) }), asSlave: form.asSlave ? 'true' : 'false' };
}

/** The request itself. */
export function launchBody(choice: Pick<Choice, 'kind' | 'id'>, form: LaunchForm): NonNullable<Asked<'post /instances'>['body']> {
  return {
    ...runs(choice),
    ...said<{ name: string; vcpus: number; ramMiB: number; diskMiB: number; minutes: number; home: boolean; sshPublicKeys: string[] }>({
      name: form.name.trim() === '' ? undefined : form.name.trim(),
      vcpus: whole(form.vcpus),
      ramMiB: mib(form.ramGiB),
      diskMiB: mib(form.diskGiB),
      minutes: whole(form.minutes),
      home: form.home === 'auto' ? undefined : form.home === 'with',
      sshPublicKeys: form.keys === 'none' ? [] : undefined,
    }),
    asSlave: form.asSlave,
  };
}
