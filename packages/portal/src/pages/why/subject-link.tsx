import type { Decision } from '@paravcl/shared/domain/decision';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';

/** From a decision to what it was about; a refused reservation was never made. */
export function SubjectLink({ subject, isMade }: { readonly subject: Decision['subject']; readonly isMade: boolean }): ReactNode {
  const { t } = useTranslation('why');
  if (subject.type === 'instance') return <Link to={`/machines/${subject.id}`}>{t('subject.instance')}</Link>;
  return isMade ? <Link to={`/reservations/${subject.id}`}>{t('subject.reservation')}</Link> : <Link to="/reserve">{t('subject.reserve')}</Link>;
}
