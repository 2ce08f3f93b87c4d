import { Label, type LabelProps } from '@patternfly/react-core';
import BanIcon from '@patternfly/react-icons/dist/esm/icons/ban-icon';
import ChalkboardTeacherIcon from '@patternfly/react-icons/dist/esm/icons/chalkboard-teacher-icon';
import CogIcon from '@patternfly/react-icons/dist/esm/icons/cog-icon';
import KeyIcon from '@patternfly/react-icons/dist/esm/icons/key-icon';
import UserIcon from '@patternfly/react-icons/dist/esm/icons/user-icon';
import type { Role, User } from '@paravcl/shared/domain/people';
import type { ComponentType, ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

const looks: Readonly<Record<Role, readonly [NonNullable<LabelProps['color']>, ComponentType]>> = {
  student: ['grey', UserIcon],
  teacher: ['blue', ChalkboardTeacherIcon],
  operator: ['purple', CogIcon],
  admin: ['orange', KeyIcon],
};

/** A person's role, and that they are locked out: each a colour and a word and a shape. */
export function PersonLabels({ user: { role, disabled } }: { readonly user: Pick<User, 'role' | 'disabled'> }): ReactNode {
  const { t } = useTranslation('people');
  const [color, Icon] = looks[role];
  return (
    <span className="pv-images-labels">
      <Label isCompact color={color} icon={<Icon />}>{t(`role.${role}`)}</Label>
      {disabled && <Label isCompact color="red" icon={<BanIcon />}>{t('disabled')}</Label>}
    </span>
  );
}
