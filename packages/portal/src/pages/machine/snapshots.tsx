import { Button, EmptyState, EmptyStateBody, Flex } from '@patternfly/react-core';
import type { Instance } from '@paravcl/shared/domain/instance';
import type { Snapshot } from '@paravcl/shared/domain/snapshot';
import { Table, Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useDo, useGet } from '../../api/use-api';
import { useSay } from '../../shell/toasts';
import { Confirm } from '../../states/confirm';
import { Read } from '../../states/read';
import { useTimes } from '../../states/use-times';
import { useSiteZone } from '../../states/site-zone';

interface Asked {
  readonly what: 'goBack' | 'deleteSnapshot';
  readonly snapshot: Snapshot;
}

/** What of a machine is kept: to go back to it, or to throw it away. */
export function Snapshots({ instance }: { readonly instance: Instance }): ReactNode {
  const { t } = useTranslation('machine');
  const times = useTimes(useSiteZone());
  const [asked, setAsked] = useState<Asked | null>(null);
  const snapshots = useGet('snapshots', 'get /snapshots', { query: { instanceId: instance.id, limit: 100 } });
  return (
    <Read of={snapshots}>
      {({ items }) => items.length === 0 ? (
        <EmptyState headingLevel="h2" titleText={t('snapshots.none')} variant="sm">
          <EmptyStateBody>{t('snapshots.noneBody')}</EmptyStateBody>
        </EmptyState>
      ) : (
        <>
          <Table variant="compact" gridBreakPoint="grid-md" aria-label={t('tab.snapshots')}>
            <Thead>
              <Tr>
                <Th>{t('snapshots.name')}</Th>
                <Th>{t('snapshots.standing')}</Th>
                <Th>{t('snapshots.at')}</Th>
                <Th screenReaderText={t('snapshots.actions')} />
              </Tr>
            </Thead>
            <Tbody>
              {items.map((snapshot) => (
                <Tr key={snapshot.id}>
                  <Td dataLabel={t('snapshots.name')}>{snapshot.name}</Td>
                  <Td dataLabel={t('snapshots.standing')}>{snapshot.sentence}</Td>
                  <Td dataLabel={t('snapshots.at')}>{times.moment(snapshot.createdAt)}</Td>
                  <Td>
                    <Flex gap={{ default: 'gapSm' }}>
                      <Button variant="secondary" size="sm" isDisabled={snapshot.state !== 'ready'} onClick={() => setAsked({ what: 'goBack', snapshot })}>{t('snapshots.goBack')}</Button>
                      <Button variant="link" size="sm" isDanger onClick={() => setAsked({ what: 'deleteSnapshot', snapshot })}>{t('snapshots.deleteSnapshot')}</Button>
                    </Flex>
                  </Td>
                </Tr>
              ))}
            </Tbody>
          </Table>
          {asked !== null && <Question asked={asked} instance={instance} onClose={() => setAsked(null)} />}
        </>
      )}
    </Read>
  );
}

function Question({ asked: { what, snapshot }, instance, onClose }: { readonly asked: Asked; readonly instance: Instance; readonly onClose: () => void }): ReactNode {
  const { t } = useTranslation('machine');
  const say = useSay();
  const back = useDo('post /snapshots/:snapshotId/restore', ['instances', 'operations', 'snapshots']);
  const away = useDo('delete /snapshots/:snapshotId', ['snapshots', 'images']);
  const params = { snapshotId: snapshot.id };
  const confirm = (): void => {
    if (what === 'deleteSnapshot') away.mutate({ params }, { onSuccess: onClose });
    else {
      back.mutate({ params, body: { instanceIds: [instance.id] } }, {
        onSuccess: ({ refused }) => {
          refused.forEach(({ sentence }) => say(sentence, 'danger'));
          onClose();
        },
      });
    }
  };
  return (
    <Confirm title={t(`snapshots.ask.${what}.title`, { name: snapshot.name, machine: instance.name })} verb={t(`snapshots.${what}`)} isDanger isPending={back.isPending || away.isPending} problem={back.error ?? away.error} onConfirm={confirm} onClose={onClose}>
      <p>{t(`snapshots.ask.${what}.body`, { name: snapshot.name, machine: instance.name })}</p>
    </Confirm>
  );
}
