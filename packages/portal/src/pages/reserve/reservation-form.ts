import type { Asked } from '@paravcl/shared/client/routes';
import { mibTyped } from '../../states/gib';
import type { Span } from './span';

export type ReservationBody = Asked<'post /reservations'>['body'];

/** What stands in the fields. Sizes are texts as they are typed; an empty one is left to the image. */
export interface ReservationForm {
  /** "none", "family:<id>" or "template:<id>"; empty while nothing is chosen. */
  readonly what: string;
  readonly vcpus: string;
  readonly ramGiB: string;
  readonly diskGiB: string;
  readonly bandwidthMbps: string;
  readonly count: string;
  /** Empty: only oneself. */
  readonly groupId: string;
  readonly weekly: boolean;
  readonly weeklyUntil: string;
  readonly asSlave: boolean;
}

export const emptyForm: ReservationForm = { what: 'none', vcpus: '', ramGiB: '', diskGiB: '', bandwidthMbps: '', count: '1', groupId: '', weekly: false, weeklyUntil: '', asSlave: false };

export type FormField = 'vcpus' | 'ramGiB' | 'diskGiB' | 'bandwidthMbps' | 'count' | 'weeklyUntil';

/** What a template or image fills in where nothing is typed. */
export interface Sizes {
  readonly vcpus: number | null;
  readonly ramMiB: number | null;
  readonly diskMiB: number | null;
  readonly bandwidthMbps: number | null;
}

export interface TemplateSizes extends Sizes {
  readonly id: string;
  readonly imageId: string | null;
  readonly familyId: string | null;
}

const whole = (text: string): number | null => (/^\d{1,6}$/.test(text.trim()) ? Number(text) : null);

/** A size that a machine can have. */
export function mibOf(text: string): number | null {
  const mib = mibTyped(text);
  return mib === 0 ? null : mib;
}

/** Fields whose text is not what belongs there. What is too much is said by the master, who knows the limits. */
export function faultsOf(form: ReservationForm): readonly FormField[] {
  const faults: FormField[] = [];
  const given = (text: string): boolean => text.trim() !== '';
  if (given(form.vcpus) && !((whole(form.vcpus) ?? 0) > 0)) faults.push('vcpus');
  if (given(form.ramGiB) && mibOf(form.ramGiB) === null) faults.push('ramGiB');
  if (form.what === 'none' ? mibOf(form.diskGiB) === null : given(form.diskGiB) && mibOf(form.diskGiB) === null) faults.push('diskGiB');
  if (given(form.bandwidthMbps) && !((whole(form.bandwidthMbps) ?? 0) > 0)) faults.push('bandwidthMbps');
  if (!((whole(form.count) ?? 0) > 0)) faults.push('count');
  if (form.weekly && !/^\d{4}-\d{2}-\d{2}$/.test(form.weeklyUntil)) faults.push('weeklyUntil');
  return faults;
}

/** What is asked for; null while a field is at fault. */
export function bodyOf(form: ReservationForm, span: Span | null, templates: readonly TemplateSizes[]): ReservationBody | null {
  if (span === null || form.what === '' || faultsOf(form).length > 0) return null;
  const [kind, id] = form.what.split(':');
  const template = kind === 'template' ? templates.find((one) => one.id === id) : undefined;
  if (kind === 'template' && template === undefined) return null;
  const sizes: Readonly<Record<string, number | null>> = {
    vcpus: whole(form.vcpus) ?? template?.vcpus ?? null,
    ramMiB: mibOf(form.ramGiB) ?? template?.ramMiB ?? null,
    diskMiB: mibOf(form.diskGiB) ?? template?.diskMiB ?? null,
    bandwidthMbps: whole(form.bandwidthMbps) ?? template?.bandwidthMbps ?? null,
  };
  const familyId = kind === 'family' ? id : template?.familyId;
  return {
    start: new Date(span.start).toISOString(),
    end: new Date(span.end).toISOString(),
    count: Number(form.count),
    ...(template?.imageId == null ? {} : { imageId: template.imageId }),
    ...(familyId == null ? {} : { familyId }),
    ...Object.fromEntries(Object.entries(sizes).filter(([, value]) => value !== null)),
    ...(form.groupId === '' ? {} : { groupId: form.groupId }),
    ...(form.asSlave ? { asSlave: true } : {}),
    ...(form.weekly ? { weeklyUntil: form.weeklyUntil } : {}),
  };
}
