import { Card, CardBody, CardTitle } from '@patternfly/react-core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { InstallForm } from './install-form';

/** The way into the pool that needs nobody at the host: this server logs in there. */
export function InstallCard(): ReactNode {
  const { t } = useTranslation('install');
  return (
    <Card>
      <CardTitle component="h2">{t('card.title')}</CardTitle>
      <CardBody className="pv-fleet-stack">
        <p>{t('card.lead')}</p>
        <InstallForm />
      </CardBody>
    </Card>
  );
}
