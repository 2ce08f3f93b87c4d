import type { SiteEvent } from '@paravcl/shared/api/events';

const folders: Readonly<Partial<Record<SiteEvent['subject']['type'], string>>> = {
  slave: '/slaves',
  'host-install': '/slaves/installs',
  user: '/users',
  group: '/groups',
  image: '/images',
  template: '/templates',
  instance: '/machines',
  deployment: '/deployments',
  reservation: '/reservations',
};

/** The page of what an event was about; null where there is none. */
export function subjectLink({ type, id }: SiteEvent['subject']): string | null {
  const folder = folders[type];
  return folder === undefined || id === null ? null : `${folder}/${id}`;
}
