import { Alert } from '@patternfly/react-core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useGet } from '../../../api/use-api';
import { tellMiB } from '../../../states/sizes';
import type { SizeName } from '../sizes-typed';
import { sumOfClass } from './class-sum';
import { runOf, type Runnable } from './what-to-run';

interface ClassSumShownProps {
  readonly run: string;
  readonly machines: number;
  readonly what: Runnable;
  readonly typed: Readonly<Partial<Record<SizeName, number>>>;
}

/** What it will come to, before it is asked for: the sum, what of it starts at once, and what the master says of one such machine. */
export function ClassSumShown({ run, machines, what, typed }: ClassSumShownProps): ReactNode {
  const { t } = useTranslation('teach');
  const { vcpus, ramMiB, diskMiB, bandwidthMbps } = typed;
  const asked = { ...runOf(run), ...(vcpus === undefined ? {} : { vcpus }), ...(ramMiB === undefined ? {} : { ramMiB }), ...(diskMiB === undefined ? {} : { diskMiB }), ...(bandwidthMbps === undefined ? {} : { bandwidthMbps }) };
  const options = useGet('pool', 'get /launch-options', { query: asked });
  const capacity = useGet('pool', 'get /capacity', { query: { hours: 1 } });
  const [now] = capacity.data?.hours ?? [];
  const size = { vcpus: vcpus ?? what.vcpus, ramMiB: ramMiB ?? what.ramMiB };
  const sum = size.vcpus === null || size.ramMiB === null ? null : sumOfClass(machines, { vcpus: size.vcpus, ramMiB: size.ramMiB }, now === undefined ? null : { vcpus: now.freeVcpus, ramMiB: now.freeRamMiB });
  const waits = sum?.atOnce == null ? 0 : machines - sum.atOnce;
  const said = options.error?.message ?? options.data?.sentence ?? null;
  return (
    <Alert variant={waits > 0 || said !== null ? 'warning' : 'info'} isInline title={t('deploy.comesTo', { count: machines, name: what.name })} component="h2">
      {sum !== null && size.vcpus !== null && size.ramMiB !== null && <p>{t('deploy.sum', { each: t('templates.size', { count: size.vcpus, ram: tellMiB(size.ramMiB) }), vcpus: sum.vcpus, ram: tellMiB(sum.ramMiB) })}</p>}
      {sum?.atOnce != null && now !== undefined && <p>{t(waits > 0 ? 'deploy.someWait' : 'deploy.allFit', { free: now.freeVcpus, ram: tellMiB(now.freeRamMiB), atOnce: sum.atOnce, count: waits })}</p>}
      {said !== null && <p>{t('deploy.ofOne', { sentence: said })}</p>}
      {options.data !== undefined && <p className="pv-teach-quiet">{options.data.risk}</p>}
    </Alert>
  );
}
