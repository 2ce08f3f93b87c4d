import { Card, CardBody, CardFooter, CardHeader, CardTitle } from '@patternfly/react-core';
import type { Instance } from '@paravcl/shared/domain/instance';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { isHostSilent } from '../../states/host-silent';
import { tellMiB } from '../../states/sizes';
import { StateLabel } from '../../states/state-label';
import { MachineActions } from '../machine/machine-actions';
import { MachineStanding, type Around } from '../machine/machine-standing';

interface MachineCardProps {
  readonly instance: Instance;
  readonly around: Around;
  /** Null and undefined: it is not known. */
  readonly imageName: string | null | undefined;
}

/** A machine: what it is, how it stands, and the next thing to do with it. */
export function MachineCard({ instance, around, imageName }: MachineCardProps): ReactNode {
  const { t } = useTranslation('machine');
  const what = [imageName, t('cores', { count: instance.vcpus }), tellMiB(instance.ramMiB)].filter((part) => part != null).join(' · ');
  return (
    <Card isCompact isFullHeight component="article">
      <CardHeader actions={{ actions: <StateLabel state={instance.observed} isSilent={isHostSilent(instance)} />, hasNoOffset: true }}>
        <CardTitle component="h3">
          <Link to={`/machines/${instance.id}`}>{instance.name}</Link>
        </CardTitle>
      </CardHeader>
      <CardBody className="pv-lines">
        <p className="pv-quiet">{what}</p>
        <MachineStanding instance={instance} around={around} />
      </CardBody>
      <CardFooter>
        <MachineActions instance={instance} />
      </CardFooter>
    </Card>
  );
}
