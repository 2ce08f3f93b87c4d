import { Table, Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { Answered } from '@paravcl/shared/client/routes';
import { useGet } from '../../api/use-api';
import { Read } from '../../states/read';
import { tellMiB } from '../../states/sizes';
import { Part } from './part';

type Share = Pick<Answered<'get /usage'>['active'], 'used' | 'most'>;

const dimensions = ['instances', 'vcpus', 'ramMiB', 'diskMiB'] as const;

/** How much of one's share is in use, and of the shares of one's groups. */
export function WhatIUse(): ReactNode {
  const { t } = useTranslation('account');
  const usage = useGet('instances', 'get /usage', {});
  return (
    <Part title={t('use.title')}>
      <p className="pv-quiet">{t('use.lead')}</p>
      <Read of={usage}>
        {({ machines, active, groups }) => (
          <>
            <UseTable caption={t('use.mine')} share={active} first={<UseRow what={t('use.machines')} used={String(machines.used)} most={machines.most === null ? null : String(machines.most)} />} />
            {groups.map(({ groupId, name, ...share }) => <UseTable key={groupId} caption={t('use.group', { name })} share={share} />)}
          </>
        )}
      </Read>
    </Part>
  );
}

function UseTable({ caption, share: { used, most }, first }: { readonly caption: string; readonly share: Share; readonly first?: ReactNode }): ReactNode {
  const { t } = useTranslation('account');
  const tell = (of: (typeof dimensions)[number], amount: number): string => (of === 'ramMiB' || of === 'diskMiB' ? tellMiB(amount) : String(amount));
  return (
    <Table aria-label={caption} variant="compact" gridBreakPoint="">
      <caption>{caption}</caption>
      <Thead><Tr><Th>{t('use.what')}</Th><Th>{t('use.used')}</Th><Th>{t('use.most')}</Th></Tr></Thead>
      <Tbody>
        {first}
        {dimensions.map((of) => <UseRow key={of} what={t(`use.${of}`)} used={tell(of, used[of])} most={most[of] === null ? null : tell(of, most[of])} />)}
      </Tbody>
    </Table>
  );
}

function UseRow({ what, used, most }: { readonly what: string; readonly used: string; readonly most: string | null }): ReactNode {
  const { t } = useTranslation('account');
  return <Tr><Th scope="row">{what}</Th><Td>{used}</Td><Td>{most ?? t('use.noLimit')}</Td></Tr>;
}
