import { Button, ClipboardCopy, Label } from '@patternfly/react-core';
import CheckCircleIcon from '@patternfly/react-icons/dist/esm/icons/check-circle-icon';
import ClockIcon from '@patternfly/react-icons/dist/esm/icons/clock-icon';
import PowerOffIcon from '@patternfly/react-icons/dist/esm/icons/power-off-icon';
import type { PublicMappingView } from '@paravcl/shared/api/public-mappings';
import { Table, Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useDo } from '../../api/use-api';
import { Confirm } from '../../states/confirm';
import { saysWhere, standingOf, type PublicStanding } from './public-standing';

interface PublicMappingsProps {
  readonly label: string;
  readonly items: readonly PublicMappingView[];
  /** Of several machines: whose each is, and which. */
  readonly owners?: { readonly who: string; readonly machine: string };
}

/** What leads to machines: where to knock, whether it leads there now, and the way to take it back. */
export function PublicMappings({ label, items, owners }: PublicMappingsProps): ReactNode {
  const { t } = useTranslation('machine');
  const { t: shell } = useTranslation('shell');
  const [asked, setAsked] = useState<PublicMappingView | null>(null);
  const where = (each: PublicMappingView): string => saysWhere(each) ?? t('public.portSomewhere', { port: each.mapping.kind === 'port' ? each.mapping.publicPort : '' });
  return (
    <>
      <Table variant="compact" gridBreakPoint="grid-xl" aria-label={label}>
        <Thead>
          <Tr>
            {owners !== undefined && <><Th>{owners.who}</Th><Th>{owners.machine}</Th></>}
            <Th>{t('public.where')}</Th>
            <Th>{t('public.leadsTo')}</Th>
            <Th>{t('public.standing')}</Th>
            <Th screenReaderText={t('public.actions')} />
          </Tr>
        </Thead>
        <Tbody>
          {items.map((each) => (
            <Tr key={each.id}>
              {owners !== undefined && (
                <>
                  <Td dataLabel={owners.who} modifier="breakWord">{each.userName}</Td>
                  <Td dataLabel={owners.machine} modifier="breakWord"><Link to={`/machines/${each.instanceId}`}>{each.instanceName}</Link></Td>
                </>
              )}
              <Td dataLabel={t('public.where')} modifier="breakWord">
                {each.reachedAt === null ? where(each) : <ClipboardCopy variant="inline-compact" isReadOnly hoverTip={shell('copy')} clickTip={shell('copied')} copyAriaLabel={`${shell('copy')}: ${where(each)}`}>{where(each)}</ClipboardCopy>}
              </Td>
              <Td dataLabel={t('public.leadsTo')}>{each.mapping.kind === 'address' ? t('public.everyPort') : t('public.guestPort', { port: each.mapping.guestPort, transport: t(`public.${each.mapping.transport}`) })}</Td>
              <Td dataLabel={t('public.standing')}><Standing standing={standingOf(each)} /></Td>
              <Td dataLabel={t('public.actions')} modifier="fitContent"><Button variant="link" isInline isDanger size="sm" aria-label={t('public.takeBackOf', { what: where(each) })} onClick={() => setAsked(each)}>{t('public.takeBack')}</Button></Td>
            </Tr>
          ))}
        </Tbody>
      </Table>
      {asked !== null && <TakeBack mapping={asked} where={where(asked)} onClose={() => setAsked(null)} />}
    </>
  );
}

const looks = { inForce: ['green', CheckCircleIcon], telling: ['blue', ClockIcon], notRunning: ['grey', PowerOffIcon] } as const;

function Standing({ standing }: { readonly standing: PublicStanding }): ReactNode {
  const { t } = useTranslation('machine');
  const [color, Icon] = looks[standing];
  return <Label color={color} icon={<Icon />} isCompact>{t(`public.${standing}`)}</Label>;
}

function TakeBack({ mapping: { id, instanceId, instanceName }, where, onClose }: { readonly mapping: PublicMappingView; readonly where: string; readonly onClose: () => void }): ReactNode {
  const { t } = useTranslation('machine');
  const take = useDo('delete /instances/:instanceId/public-mappings/:mappingId', ['instances']);
  return (
    <Confirm title={t('public.ask.title', { what: where })} verb={t('public.takeBack')} isDanger isPending={take.isPending} problem={take.error} onClose={onClose} onConfirm={() => take.mutate({ params: { instanceId, mappingId: id } }, { onSuccess: onClose })}>
      <p>{t('public.ask.body', { name: instanceName })}</p>
    </Confirm>
  );
}
