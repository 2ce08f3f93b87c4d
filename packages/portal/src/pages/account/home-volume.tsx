import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useGet } from '../../api/use-api';
import { Read } from '../../states/read';
import { tellMiB } from '../../states/sizes';
import { Part } from './part';

/** The disk that goes with whatever one runs, and where it is now. */
export function HomeVolume(): ReactNode {
  const { t } = useTranslation('account');
  const home = useGet('instances', 'get /home', {});
  return (
    <Part title={t('home.title')}>
      <Read of={home}>
        {({ sizeMiB, sentence, instanceId }) => (
          <>
            {sizeMiB > 0 && <p>{t('home.size', { size: tellMiB(sizeMiB) })}</p>}
            <p className="pv-quiet">{sentence}</p>
            {instanceId !== null && <Link to={`/machines/${instanceId}`}>{t('home.machine')}</Link>}
          </>
        )}
      </Read>
    </Part>
  );
}
