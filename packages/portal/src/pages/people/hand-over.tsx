import type { PasswordToken } from '@paravcl/shared/api/users';
import type { User } from '@paravcl/shared/domain/people';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { OnceSecret } from '../../states/once-secret';
import { useTimes } from '../../states/use-times';
import { useSiteZone } from '../../states/site-zone';

interface HandOverProps {
  readonly user: Pick<User, 'name' | 'displayName'>;
  readonly password: PasswordToken;
}

/** The token with which a person sets the password once, and where they do that. It stands in no address: those are logged and handed on. */
export function HandOver({ user, password }: HandOverProps): ReactNode {
  const { t } = useTranslation('people');
  const times = useTimes(useSiteZone());
  return (
    <OnceSecret title={t('token.title', { name: user.displayName })} secret={password.token}>
      <p>{t('token.handOver', { address: `${location.origin}/password`, user: user.name, at: times.moment(password.expiresAt) })}</p>
    </OnceSecret>
  );
}
