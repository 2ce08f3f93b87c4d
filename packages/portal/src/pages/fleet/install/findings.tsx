import { Label, type LabelProps } from '@patternfly/react-core';
import CheckCircleIcon from '@patternfly/react-icons/dist/esm/icons/check-circle-icon';
import ExclamationCircleIcon from '@patternfly/react-icons/dist/esm/icons/exclamation-circle-icon';
import ExclamationTriangleIcon from '@patternfly/react-icons/dist/esm/icons/exclamation-triangle-icon';
import type { HostFinding } from '@paravcl/shared/domain/host-install';
import type { ComponentType, ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

const looks: Readonly<Record<HostFinding['level'], readonly [NonNullable<LabelProps['color']>, ComponentType]>> = {
  fault: ['red', ExclamationCircleIcon],
  warning: ['orange', ExclamationTriangleIcon],
  fine: ['green', CheckCircleIcon],
};
const order = Object.keys(looks);

/** What was found when the host was looked at, what is wrong first, each with its way out. */
export function Findings({ findings }: { readonly findings: readonly HostFinding[] }): ReactNode {
  const { t } = useTranslation('install');
  const sorted = [...findings].sort((a, b) => order.indexOf(a.level) - order.indexOf(b.level));
  return (
    <ul className="pv-list">
      {sorted.map(({ check, level, sentence, remedy }) => {
        const [color, Icon] = looks[level];
        return (
          <li key={`${check} ${sentence}`}>
            <Label isCompact color={color} icon={<Icon />}>{t(`finding.${level}`)}</Label> {sentence}
            {remedy !== null && <div className="pv-install-remedy">{remedy}</div>}
          </li>
        );
      })}
    </ul>
  );
}
