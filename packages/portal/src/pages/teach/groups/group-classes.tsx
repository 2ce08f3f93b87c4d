import { Card, CardBody, CardTitle } from '@patternfly/react-core';
import type { Group } from '@paravcl/shared/domain/people';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useAll } from '../../../api/use-all';

/** What was deployed to a group, each with how far it is. Nothing while there is none. */
export function GroupClasses({ group }: { readonly group: Group }): ReactNode {
  const { t } = useTranslation('teach');
  const deployments = useAll('deployments', 'get /deployments', {});
  const those = (deployments.data ?? []).filter(({ groupId }) => groupId === group.id);
  if (those.length === 0) return null;
  return (
    <Card>
      <CardTitle component="h2">{t('classes.title')}</CardTitle>
      <CardBody>
        <ul className="pv-teach-lines">
          {those.map(({ id, name, sentence }) => (
            <li key={id}>
              <Link to={`/deployments/${id}`}>{name}</Link>
              <div>{sentence}</div>
            </li>
          ))}
        </ul>
      </CardBody>
    </Card>
  );
}
