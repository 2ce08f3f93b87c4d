import { Button, Card, CardBody, CardTitle, Label, type LabelProps } from '@patternfly/react-core';
import BanIcon from '@patternfly/react-icons/dist/esm/icons/ban-icon';
import CheckCircleIcon from '@patternfly/react-icons/dist/esm/icons/check-circle-icon';
import ClockIcon from '@patternfly/react-icons/dist/esm/icons/clock-icon';
import HistoryIcon from '@patternfly/react-icons/dist/esm/icons/history-icon';
import type { JoinToken, JoinTokenState } from '@paravcl/shared/api/join-tokens';
import { Table, Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import { useState, type ComponentType, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useDo } from '../../../api/use-api';
import { Confirm } from '../../../states/confirm';
import { Read } from '../../../states/read';
import { useTimes } from '../../../states/use-times';
import { useSiteZone } from '../../../states/site-zone';
import { useAll } from '../../../api/use-all';

const looks: Readonly<Record<JoinTokenState, readonly [NonNullable<LabelProps['color']>, ComponentType]>> = {
  open: ['blue', ClockIcon],
  used: ['green', CheckCircleIcon],
  expired: ['grey', HistoryIcon],
  revoked: ['grey', BanIcon],
};

/** Join tokens, newest first, without their secrets; open ones can be revoked. */
export function JoinTokens(): ReactNode {
  const { t } = useTranslation('fleet');
  const times = useTimes(useSiteZone());
  const [revokes, setRevokes] = useState<JoinToken | null>(null);
  const tokens = useAll('none', 'get /join-tokens', {}, { everyMs: 15_000 });
  const revoke = useDo('delete /join-tokens/:joinTokenId', ['none']);
  const close = (): void => {
    setRevokes(null);
    revoke.reset();
  };
  const nameOf = ({ note, createdAt }: JoinToken): string => (note === '' ? t('tokens.unnamed', { at: times.moment(createdAt) }) : note);
  return (
    <Card>
      <CardTitle component="h2">{t('tokens.title')}</CardTitle>
      <CardBody>
        <Read of={tokens}>
          {(all) =>
            all.length === 0 ? (
              <p>{t('tokens.none')}</p>
            ) : (
              <Table aria-label={t('tokens.title')} variant="compact" gridBreakPoint="grid-md">
                <Thead>
                  <Tr><Th width={35}>{t('tokens.for')}</Th><Th>{t('slaves.state')}</Th><Th>{t('tokens.until')}</Th><Th screenReaderText={t('actions')} /></Tr>
                </Thead>
                <Tbody>
                  {all.map((token) => {
                    const [color, Icon] = looks[token.state];
                    return (
                      <Tr key={token.id}>
                        <Td dataLabel={t('tokens.for')} modifier="breakWord">{nameOf(token)}<div className="pv-quiet">{t(`kind.${token.kind}`)}{token.preapproved && `, ${t('tokens.preapproved')}`}</div></Td>
                        <Td dataLabel={t('slaves.state')} modifier="fitContent"><span><Label isCompact color={color} icon={<Icon />}>{t(`tokens.state.${token.state}`)}</Label></span></Td>
                        <Td dataLabel={t('tokens.until')}>{token.usedBySlaveId !== null && token.usedAt !== null ? <Link to={`/slaves/${token.usedBySlaveId}`}>{t('tokens.usedAt', { at: times.moment(token.usedAt) })}</Link> : times.moment(token.expiresAt)}</Td>
                        <Td modifier="fitContent">{token.state === 'open' && <Button variant="link" size="sm" isDanger onClick={() => setRevokes(token)} aria-label={t('tokens.revokeOf', { name: nameOf(token) })}>{t('tokens.revoke')}</Button>}</Td>
                      </Tr>
                    );
                  })}
                </Tbody>
              </Table>
            )
          }
        </Read>
      </CardBody>
      {revokes !== null && (
        <Confirm title={t('tokens.revokeTitle', { name: nameOf(revokes) })} verb={t('tokens.revoke')} isDanger isPending={revoke.isPending} problem={revoke.error} onClose={close} onConfirm={() => revoke.mutate({ params: { joinTokenId: revokes.id } }, { onSuccess: close })}>
          <p>{t('tokens.revokeBody')}</p>
        </Confirm>
      )}
    </Card>
  );
}
