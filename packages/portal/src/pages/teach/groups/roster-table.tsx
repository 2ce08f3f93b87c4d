import { Label, type LabelProps } from '@patternfly/react-core';
import CheckCircleIcon from '@patternfly/react-icons/dist/esm/icons/check-circle-icon';
import ExclamationCircleIcon from '@patternfly/react-icons/dist/esm/icons/exclamation-circle-icon';
import PlusCircleIcon from '@patternfly/react-icons/dist/esm/icons/plus-circle-icon';
import { Table, Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import type { ComponentType, ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { RosterLine, RosterOutcome } from './roster-lines';

type Look = readonly [NonNullable<LabelProps['color']>, ComponentType];
const wrong: Look = ['red', ExclamationCircleIcon];
const looks: Readonly<Record<RosterOutcome, Look>> = { add: ['blue', PlusCircleIcon], member: ['green', CheckCircleIcon], badName: wrong, twice: wrong, tooMany: wrong };

interface RosterTableProps {
  readonly lines: readonly RosterLine[];
  /** What the master said no to, by user name. */
  readonly refused: ReadonlyMap<string, string>;
}

/** What each line of a list comes to, those with a fault first. */
export function RosterTable({ lines, refused }: RosterTableProps): ReactNode {
  const { t } = useTranslation('teach');
  const isWrong = ({ outcome, userName }: RosterLine): boolean => (outcome !== 'add' && outcome !== 'member') || (outcome === 'add' && refused.has(userName));
  const faults = lines.filter(isWrong);
  return (
    <>
      <p role="status">{t('roster.counts', { lines: lines.length, fresh: lines.filter((line) => line.outcome === 'add' && !isWrong(line)).length, faults: faults.length })}</p>
      <Table aria-label={t('roster.preview')} variant="compact" gridBreakPoint="grid-md">
        <Thead>
          <Tr>
            <Th width={10}>{t('roster.line')}</Th>
            <Th width={30}>{t('members.userName')}</Th>
            <Th>{t('roster.outcome')}</Th>
          </Tr>
        </Thead>
        <Tbody>
          {[...faults, ...lines.filter((line) => !isWrong(line))].map((each) => {
            const sentence = each.outcome === 'add' ? refused.get(each.userName) : undefined;
            const [color, Icon] = sentence === undefined ? looks[each.outcome] : wrong;
            return (
              <Tr key={each.line}>
                <Td dataLabel={t('roster.line')}>{each.line}</Td>
                <Td dataLabel={t('members.userName')} modifier="breakWord">{each.userName}</Td>
                <Td dataLabel={t('roster.outcome')}>{sentence === undefined ? <Label isCompact color={color} icon={<Icon />}>{t(`roster.is.${each.outcome}`)}</Label> : sentence}</Td>
              </Tr>
            );
          })}
        </Tbody>
      </Table>
    </>
  );
}
