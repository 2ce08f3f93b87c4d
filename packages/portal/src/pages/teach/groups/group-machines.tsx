import { Button, Card, CardBody, CardTitle } from '@patternfly/react-core';
import { Table, Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import type { Group } from '@paravcl/shared/domain/people';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { isHostSilent } from '../../../states/host-silent';
import { Read } from '../../../states/read';
import { StateLabel } from '../../../states/state-label';
import { useNames } from '../people';
import { useAll } from '../../../api/use-all';
import { machinesInOrder } from './machines-in-order';

const shownFirst = 10;

/** What the members of a group run now, those that need somebody first. */
export function GroupMachines({ group }: { readonly group: Group }): ReactNode {
  const { t, i18n } = useTranslation('teach');
  const names = useNames(group.id);
  const instances = useAll('instances', 'get /instances', { query: { groupId: group.id, recycled: 'false' } });
  const [showsAll, setShowsAll] = useState(false);
  return (
    <Card>
      <CardTitle component="h2">{t('machines.title')}</CardTitle>
      <CardBody className="pv-teach-stack">
        <Read of={instances}>
          {(all) => {
            if (all.length === 0) return <p className="pv-teach-quiet">{t('machines.none')}</p>;
            const ordered = machinesInOrder(all, names, i18n.language);
            return (
              <>
                <p>{t('machines.counts', { count: all.length, running: all.filter(({ observed }) => observed === 'running').length })}</p>
                <Table aria-label={t('machines.title')} variant="compact" gridBreakPoint="grid-md">
                  <Thead>
                    <Tr>
                      <Th>{t('machines.person')}</Th>
                      <Th>{t('machines.machine')}</Th>
                      <Th>{t('machines.state')}</Th>
                    </Tr>
                  </Thead>
                  <Tbody>
                    {(showsAll ? ordered : ordered.slice(0, shownFirst)).map(({ id, userId, name, observed, reason }) => (
                      <Tr key={id}>
                        <Td dataLabel={t('machines.person')} modifier="breakWord">{names.get(userId) ?? t('machines.someone')}</Td>
                        <Td dataLabel={t('machines.machine')} modifier="breakWord">{observed === 'running' ? <Link to={`/machines/${id}/console`}>{name}</Link> : name}</Td>
                        <Td dataLabel={t('machines.state')}>
                          <div>
                            <StateLabel state={observed} isSilent={isHostSilent({ observed, reason })} />
                          </div>
                          {reason !== null && <div className="pv-teach-quiet">{reason.sentence}</div>}
                        </Td>
                      </Tr>
                    ))}
                  </Tbody>
                </Table>
                {ordered.length > shownFirst && !showsAll && <Button variant="link" isInline onClick={() => setShowsAll(true)}>{t('machines.showAll', { count: ordered.length })}</Button>}
              </>
            );
          }}
        </Read>
      </CardBody>
    </Card>
  );
}
