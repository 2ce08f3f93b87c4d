import type { Reservation } from '@paravcl/shared/domain/reservation';
import { useTranslation } from 'react-i18next';
import { useGet } from '../../api/use-api';
import { useMe } from '../../session/session';
import { tellMiB } from '../../states/sizes';
import type { Who } from './reservation-actions';

export interface ReservationWords {
  readonly who: Who;
  /** "Me", "CL II". */
  owner(reservation: Pick<Reservation, 'userId' | 'groupId'>): string;
  /** "12 machines, each 2 cores, 2 GiB RAM". */
  size(reservation: Pick<Reservation, 'count' | 'vcpus' | 'ramMiB'>): string;
  /** "Ubuntu 24.04", or that each chooses. */
  image(reservation: Pick<Reservation, 'imageId'>): string;
}

const most = 200;

/** Who looks at reservations, and the names of what is in them. */
export function useReservationWords(): ReservationWords {
  const { t } = useTranslation('reserve');
  const { user, groups: mine } = useMe();
  const groups = useGet('groups', 'get /groups', { query: { limit: most } });
  const images = useGet('images', 'get /images', { query: { limit: most } });
  const known = [...(groups.data?.items ?? []), ...mine];
  const who: Who = { userId: user.id, role: user.role, ownedGroupIds: known.filter(({ ownerUserId }) => ownerUserId === user.id).map(({ id }) => id) };
  return {
    who,
    owner: ({ userId, groupId }) => (groupId !== null ? (known.find(({ id }) => id === groupId)?.name ?? t('list.someGroup')) : userId === user.id ? t('list.me') : t('list.somebody')),
    size: ({ count, vcpus, ramMiB }) => t('list.machines', { count, each: t('list.each', { count: vcpus, ram: tellMiB(ramMiB) }) }),
    image: ({ imageId }) => {
      if (imageId === null) return t('list.anyImage');
      const image = images.data?.items.find(({ id }) => id === imageId);
      return image === undefined ? t('list.someImage') : t('list.version', { name: image.familyName, version: image.version });
    },
  };
}
