import { Label, type LabelProps } from '@patternfly/react-core';
import CheckCircleIcon from '@patternfly/react-icons/dist/esm/icons/check-circle-icon';
import ExclamationCircleIcon from '@patternfly/react-icons/dist/esm/icons/exclamation-circle-icon';
import PlusCircleIcon from '@patternfly/react-icons/dist/esm/icons/plus-circle-icon';
import { Table, Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import type { Roster, RosterOutcome } from '@paravcl/shared/api/roster';
import type { ComponentType, ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

const looks: Readonly<Record<RosterOutcome, readonly [NonNullable<LabelProps['color']>, ComponentType]>> = {
  'new-user': ['purple', PlusCircleIcon],
  added: ['blue', PlusCircleIcon],
  'already-member': ['green', CheckCircleIcon],
  fault: ['red', ExclamationCircleIcon],
};

/** What each line of a list comes to, those with a fault first. */
export function RosterTable({ roster: { lines, counts } }: { readonly roster: Roster }): ReactNode {
  const { t } = useTranslation('teach');
  const isFault = ({ outcome }: { readonly outcome: RosterOutcome }): boolean => outcome === 'fault';
  return (
    <>
      <p role="status">{t('roster.counts', { lines: counts.lines, fresh: counts.newUsers + counts.added, faults: counts.faults })}</p>
      <Table aria-label={t('roster.preview')} variant="compact" gridBreakPoint="grid-md">
        <Thead>
          <Tr>
            <Th width={10}>{t('roster.line')}</Th>
            <Th width={20}>{t('members.userName')}</Th>
            <Th width={20}>{t('members.name')}</Th>
            <Th>{t('roster.outcome')}</Th>
          </Tr>
        </Thead>
        <Tbody>
          {[...lines.filter(isFault), ...lines.filter((line) => !isFault(line))].map(({ line, name, displayName, outcome, sentence }, at) => {
            const [color, Icon] = looks[outcome];
            return (
              <Tr key={`${line} ${at}`}>
                <Td dataLabel={t('roster.line')}>{line}</Td>
                <Td dataLabel={t('members.userName')} modifier="breakWord">{name}</Td>
                <Td dataLabel={t('members.name')} modifier="breakWord">{displayName}</Td>
                <Td dataLabel={t('roster.outcome')} modifier="breakWord">
                  <Label isCompact color={color} icon={<Icon />}>{t(`roster.is.${outcome}`)}</Label> {outcome === 'fault' && sentence}
                </Td>
              </Tr>
            );
          })}
        </Tbody>
      </Table>
    </>
  );
}
