import { Button } from '@patternfly/react-core';
import { Table, Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import type { ApiToken } from '@paravcl/shared/api/api-tokens';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useDo, useGet } from '../../api/use-api';
import { Confirm } from '../../states/confirm';
import { Read } from '../../states/read';
import { useTimes } from '../../states/use-times';
import { useSiteZone } from '../../states/site-zone';
import { NewApiToken } from './new-api-token';
import { Part } from './part';

/** Tokens for programs of one's own: made, shown once, revoked. */
export function ApiTokens(): ReactNode {
  const { t } = useTranslation('account');
  const times = useTimes(useSiteZone());
  const tokens = useGet('none', 'get /api-tokens', {});
  const [revoked, setRevoked] = useState<ApiToken | null>(null);
  const revoke = useDo('delete /api-tokens/:apiTokenId', ['none']);
  const close = (): void => {
    setRevoked(null);
    revoke.reset();
  };
  return (
    <Part title={t('tokens.title')}>
      <p>{t('tokens.lead')}</p>
      <Read of={tokens}>
        {({ items }) => items.length === 0 ? <p className="pv-quiet">{t('tokens.none')}</p> : (
          <Table variant="compact" gridBreakPoint="grid-md" aria-label={t('tokens.title')}>
            <Thead>
              <Tr>
                <Th>{t('tokens.name')}</Th>
                <Th>{t('tokens.scope')}</Th>
                <Th>{t('tokens.hint')}</Th>
                <Th>{t('tokens.lastUsed')}</Th>
                <Th>{t('tokens.expires')}</Th>
                <Th screenReaderText={t('tokens.revoke')} />
              </Tr>
            </Thead>
            <Tbody>
              {items.map((token) => (
                <Tr key={token.id}>
                  <Td dataLabel={t('tokens.name')}>{token.name}</Td>
                  <Td dataLabel={t('tokens.scope')}>{t(`tokens.may.${token.scope}`)}</Td>
                  <Td dataLabel={t('tokens.hint')}><code>{token.hint}…</code></Td>
                  <Td dataLabel={t('tokens.lastUsed')}>{token.lastUsedAt === null ? t('tokens.never') : times.moment(token.lastUsedAt)}</Td>
                  <Td dataLabel={t('tokens.expires')}>{times.moment(token.expiresAt)}</Td>
                  <Td><Button variant="link" isInline isDanger onClick={() => setRevoked(token)}>{t('tokens.revoke')}</Button></Td>
                </Tr>
              ))}
            </Tbody>
          </Table>
        )}
      </Read>
      <NewApiToken />
      {revoked !== null && (
        <Confirm title={t('tokens.ask', { name: revoked.name })} verb={t('tokens.revoke')} isDanger isPending={revoke.isPending} problem={revoke.error} onConfirm={() => revoke.mutate({ params: { apiTokenId: revoked.id } }, { onSuccess: close })} onClose={close}>
          <p>{t('tokens.askBody')}</p>
        </Confirm>
      )}
    </Part>
  );
}
