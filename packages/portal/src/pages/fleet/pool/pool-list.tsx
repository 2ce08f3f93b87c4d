import type { PoolItem, PoolSlave } from '@paravcl/shared/api/pool';
import { Card, CardBody, CardTitle } from '@patternfly/react-core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { linkOf, useItemWords } from './use-item-words';

/** The calendar in words: slave by slave, who holds what and when. */
export function PoolList({ slaves, unplaced }: { readonly slaves: readonly PoolSlave[]; readonly unplaced: readonly PoolItem[] }): ReactNode {
  const { t } = useTranslation('fleet');
  return (
    <div className="pv-fleet-stack">
      {slaves.map(({ id, name, sentence, items }) => (
        <Card key={id} isCompact>
          <CardTitle component="h2"><Link to={`/slaves/${id}`}>{name}</Link></CardTitle>
          <CardBody>
            <p className="pv-quiet">{sentence}</p>
            {items.length === 0 ? <p>{t('pool.free')}</p> : <Items items={items} />}
          </CardBody>
        </Card>
      ))}
      {unplaced.length > 0 && (
        <Card isCompact>
          <CardTitle component="h2">{t('pool.homeless')}</CardTitle>
          <CardBody><Items items={unplaced} /></CardBody>
        </Card>
      )}
    </div>
  );
}

function Items({ items }: { readonly items: readonly PoolItem[] }): ReactNode {
  const words = useItemWords();
  return (
    <ul role="list" className="pv-list">
      {items.map((item) => (
        <li key={`${item.kind} ${item.id}`}>
          <Link to={linkOf(item)}>{words.what(item)}</Link>: {words.size(item)}
          <div className="pv-quiet">{words.when(item)}</div>
        </li>
      ))}
    </ul>
  );
}
